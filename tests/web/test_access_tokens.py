"""What scripts of a customer authenticate with, on its settings' page."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from portal.core.actor import SYSTEM
from portal.models import AuditEvent, IdempotencyRecord, ManagementToken, Membership
from portal.services.access_tokens import create_access_token
from tests.conftest import Api, Clock
from tests.factories import MembershipFactory, UserFactory
from tests.web.conftest import PASSWORD, age_sign_in, sign_in

pytestmark = pytest.mark.django_db


def form_of(client: Client, **values: Any) -> dict[str, Any]:
    initial = client.get("/settings/tokens/new").context["form"].initial
    return {**initial, "name": "deploy", "scopes": ["keys:read", "keys:write"], "expires": "90", **values}


def create(client: Client, **values: Any) -> Any:
    return client.post("/settings/tokens/new", form_of(client, **values))


def text_in(answer: Any) -> str:
    found = re.search(r"lk_[0-9A-Za-z]{36}", answer.content.decode())
    assert found is not None
    return found[0]


def token_at(membership: Membership, **fields: Any) -> ManagementToken:
    token, _ = create_access_token(
        SYSTEM, owner=membership.user, customer=membership.customer, scopes=["keys:read"], **fields
    )
    return token


def test_a_token_is_shown_once_and_works(browser: Client, owner: Membership, clock: Clock) -> None:
    answer = create(browser)
    text = text_in(answer)
    assert answer.content.decode().count(text) == 1
    assert "no-store" in answer.headers["Cache-Control"]
    assert "/api/v1/keys" in answer.content.decode()
    token = ManagementToken.objects.get()
    assert (token.name, token.scopes, token.owner, token.customer) == (
        "deploy", ["keys:read", "keys:write"], owner.user, owner.customer,
    )  # fmt: skip
    assert token.expires_at == clock() + timedelta(days=90)
    assert Api(text).get("/keys").status_code == 200
    listed = browser.get("/settings/tokens").content.decode()
    assert token.last4 in listed
    assert f"by {owner.user.name}" in listed
    assert text not in listed


def test_its_text_is_kept_nowhere(browser: Client) -> None:
    text = text_in(create(browser))
    for session in Session.objects.all():
        assert text not in str(session.get_decoded())
    assert text not in str(list(ManagementToken.objects.values()))
    from portal.core.sealing import unseal

    for record in IdempotencyRecord.objects.all():
        assert text not in unseal(record.sealed_answer).reveal()


def test_the_form_sent_twice_creates_one_and_says_so(browser: Client) -> None:
    form = form_of(browser)
    first, second = (browser.post("/settings/tokens/new", form) for _ in range(2))
    token = ManagementToken.objects.get()
    assert (first.status_code, second.status_code) == (200, 410)
    page = second.content.decode()
    assert text_in(first) not in page
    assert "was shown already" in page
    assert f"/settings/tokens/{token.public_id}/revoke" in page


def test_an_old_sign_in_is_confirmed_before_the_form_is_filled_in(browser: Client) -> None:
    form = form_of(browser)
    age_sign_in(browser)
    asked = browser.get("/settings/tokens/new")
    assert asked.headers["Location"] == "/accounts/reauthenticate/?next=%2Fsettings%2Ftokens%2Fnew"
    assert browser.post("/settings/tokens/new", form).status_code == 302
    assert not ManagementToken.objects.exists()
    browser.post(asked.headers["Location"], {"password": PASSWORD, "next": "/settings/tokens/new"})
    assert create(browser).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [{"scopes": []}, {"scopes": ["plans:write"]}, {"scopes": ["tokens:write"]}, {"expires": "36500"}, {"name": ""}],
)  # fmt: skip
def test_what_is_not_offered_is_refused(browser: Client, wrong: dict[str, Any]) -> None:
    assert create(browser, **wrong).status_code == 422
    assert not ManagementToken.objects.exists()


def test_offered_is_what_the_person_holds(browser: Client) -> None:
    form = browser.get("/settings/tokens/new").context["form"]
    offered = {scope for scope, _ in form.fields["scopes"].choices}
    assert {"keys:write", "audit:read", "access_tokens:write"} <= offered
    assert not offered & {"plans:write", "tokens:read", "operations:write", "metrics:read"}


def test_one_that_never_expires_is_asked_for_by_name(browser: Client) -> None:
    create(browser, expires="never")
    assert ManagementToken.objects.get().expires_at is None
    assert "never expires" in browser.get("/settings/tokens").content.decode()


@pytest.mark.parametrize("role", ["viewer", "developer"])
def test_who_may_not_have_any_sees_and_changes_none(owner: Membership, role: str) -> None:
    token = token_at(owner)
    client = sign_in(MembershipFactory(customer=owner.customer, role=role).user)
    values = {"customer": owner.customer.public_id, "name": "x", "scopes": ["keys:read"], "expires": "30"}
    assert client.get("/settings/tokens").status_code == 403
    assert client.get("/settings/tokens/new").status_code == 403
    assert client.post("/settings/tokens/new", {**values, "form_token": "x"}).status_code == 403
    assert client.post(f"/settings/tokens/{token.public_id}/revoke").status_code == 403
    assert ManagementToken.objects.valid().get() == token


def test_a_stranger_finds_none_and_makes_none(owner: Membership) -> None:
    token = token_at(owner, name="theirs")
    stranger = sign_in(MembershipFactory().user)
    assert "theirs" not in stranger.get("/settings/tokens").content.decode()
    assert create(stranger, customer=owner.customer.public_id).status_code == 404
    for method in (stranger.get, stranger.post):
        assert method(f"/settings/tokens/{token.public_id}/revoke").status_code == 404
    assert stranger.get(f"/settings/tokens?before={token.public_id}").status_code == 404
    assert ManagementToken.objects.valid().get() == token


def test_staff_wide_tokens_are_not_a_customers(browser: Client, owner: Membership) -> None:
    wide, _ = create_access_token(SYSTEM, owner=owner.user, scopes=["keys:read"], name="everywhere-42")
    assert "everywhere-42" not in browser.get("/settings/tokens").content.decode()
    assert browser.post(f"/settings/tokens/{wide.public_id}/revoke").status_code == 404


def test_revoking_asks_first_and_happens_once(browser: Client, owner: Membership) -> None:
    token = token_at(owner, name="deploy")
    path = f"/settings/tokens/{token.public_id}/revoke"
    assert "Revoke deploy?" in browser.get(path).content.decode()
    assert ManagementToken.objects.valid().exists()
    for _ in range(2):
        answer = browser.post(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/settings/tokens")
    assert not ManagementToken.objects.valid().exists()
    assert AuditEvent.objects.filter(action="access_token.revoked").count() == 1


def test_makers_who_are_no_colleagues_are_not_named(browser: Client, owner: Membership) -> None:
    staff = UserFactory(is_staff=True, email="secretive@operator.example")
    ManagementToken.objects.filter(pk=token_at(owner).pk).update(created_by=f"user {staff.public_id}")
    page = browser.get("/settings/tokens").content.decode()
    assert staff.email not in page
    assert "Latchkey staff" in page


def test_many_tokens_are_listed_page_by_page(
    browser: Client, owner: Membership, django_assert_max_num_queries: Any
) -> None:
    for _ in range(60):
        token_at(owner)
    seen, url = [], "/settings/tokens"
    while url:
        with django_assert_max_num_queries(12):
            answer = browser.get(url)
        assert len(answer.content) < 100_000
        seen += [row["token"].public_id for row in answer.context["rows"]]
        url = answer.context["older_url"]
    assert len(seen) == len(set(seen)) == 60
