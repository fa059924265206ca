"""Staff in production: nothing of the administration without a second factor in this very session."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.test import Client

from portal.models import AuditEvent, IssuedKey, User
from tests.conftest import token_for
from tests.factories import MembershipFactory, UserFactory
from tests.mfa import App, enrol, sign_in_with
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def production(settings: Any) -> None:
    settings.DEVELOPMENT = False


@pytest.mark.django_db(transaction=True)  # allauth tells of an enrolment after the commit
def test_staff_enrol_before_the_administration_opens(staff: User) -> None:
    client = sign_in(staff)
    for answer in (
        client.get("/admin/portal/customer/"),
        client.post("/admin/portal/customer/add/", {"name": "x"}),
    ):
        assert answer.headers["Location"] == "/settings/security"
    assert (
        "The administration opens only with a second factor"
        in client.get("/settings/security").content.decode()
    )
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    found = re.search(r'id="app-secret"[^>]*>([A-Z2-7 ]+)<', page)
    assert found is not None
    client.post("/accounts/2fa/totp/activate/", {"code": App(found[1].replace(" ", "")).code()})
    assert client.get("/admin/").status_code == 200


def test_a_session_from_before_the_enrolment_is_led_to_confirm(staff: User) -> None:
    old = sign_in(staff)
    app = enrol(staff)
    answer = old.get("/admin/portal/customer/")
    assert answer.headers["Location"] == "/accounts/2fa/reauthenticate/?next=%2Fadmin%2Fportal%2Fcustomer%2F"
    old.post("/accounts/2fa/reauthenticate/", {"code": app.code(), "next": "/admin/"})
    assert old.get("/admin/").status_code == 200


def test_a_session_with_both_factors_is_let_in(staff: User) -> None:
    assert sign_in_with(staff, enrol(staff).code()).get("/admin/").status_code == 200


def test_a_factor_that_was_removed_counts_no_more(staff: User) -> None:
    client = sign_in_with(staff, enrol(staff).code())
    client.post("/accounts/2fa/totp/deactivate/")
    assert client.get("/admin/").headers["Location"] == "/settings/security"


def test_development_forces_nobody(staff: User, settings: Any) -> None:
    settings.DEVELOPMENT = True
    assert sign_in(staff).get("/admin/").status_code == 200


def test_signing_out_of_the_administration_works_without(staff: User) -> None:
    client = sign_in(staff)
    client.post("/admin/logout/")
    assert client.get("/settings/security").status_code == 302


def test_the_api_refuses_the_browser_and_not_the_token(staff: User) -> None:
    client = sign_in(staff)
    answer = client.get("/api/v1/customers")
    assert (answer.status_code, answer.json()["code"]) == (403, "mfa_required")
    assert answer.headers["Content-Type"] == "application/problem+json"
    headers = {"Authorization": f"Bearer {token_for(staff)}"}
    assert Client().get("/api/v1/customers", headers=headers).status_code == 200
    strong = sign_in_with(staff, enrol(staff).code())
    assert strong.get("/api/v1/customers").status_code == 200


def test_customers_need_none(production: None) -> None:
    client = sign_in(MembershipFactory().user)
    assert client.get("/keys").status_code == 200
    assert client.get("/api/v1/keys").status_code == 200


def test_on_customers_pages_staff_powers_wait_as_well(staff: User) -> None:
    viewer = MembershipFactory(user=staff, role="viewer")
    weak = sign_in(staff)
    weak.post("/keys/new", {"name": "mine"})
    assert weak.get("/keys/new").status_code == 403
    assert not IssuedKey.objects.filter(customer=viewer.customer).exists()
    strong = sign_in_with(staff, enrol(staff).code())
    assert strong.get("/keys/new").status_code == 200


# Resetting


def reset(client: Client, user: User) -> Any:
    return client.post(f"/admin/portal/user/{user.pk}/act/reset_mfa/", {"confirmed": "reset_mfa"})


def test_a_superuser_resets_a_lost_factor_and_it_is_written_down(staff: User) -> None:
    person: User = MembershipFactory().user
    theirs = sign_in_with(person, enrol(person).code())
    admin = sign_in_with(staff, enrol(staff).code())
    assert (
        "Authenticator app, Recovery codes"
        in admin.get(f"/admin/portal/user/{person.pk}/change/").content.decode()
    )
    assert reset(admin, person).status_code == 302
    assert not Authenticator.objects.filter(user=person).exists()
    assert theirs.get("/keys").status_code == 302, "they are signed out"
    assert sign_in(person).get("/keys").status_code == 200
    event = AuditEvent.objects.get(action="user.mfa_reset")
    assert (event.actor, event.object) == (f"user {staff.public_id}", person.public_id)
    assert event.detail == {"kinds": ["recovery_codes", "totp"], "sessions": 1}
    assert "no second factor" in reset(admin, person).content.decode()
    assert AuditEvent.objects.filter(action="user.mfa_reset").count() == 1


def test_nobody_resets_their_own(staff: User) -> None:
    admin = sign_in_with(staff, enrol(staff).code())
    assert "in your settings" in reset(admin, staff).content.decode()
    assert Authenticator.objects.filter(user=staff).exists()


def test_other_staff_do_not_reset() -> None:
    helper = UserFactory(is_staff=True)
    helper.user_permissions.set(
        Permission.objects.filter(codename__in=["view_user", "change_user"], content_type__app_label="portal")
    )
    person: User = MembershipFactory().user
    enrol(person)
    client = sign_in_with(helper, enrol(helper).code())
    assert "Reset second factor" not in client.get(f"/admin/portal/user/{person.pk}/change/").content.decode()
    assert reset(client, person).status_code == 403
    assert Authenticator.objects.filter(user=person).exists()
