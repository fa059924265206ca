from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.actor import SYSTEM
from portal.models import AuditEvent, IssuedKey, Membership
from portal.services.access_tokens import create_access_token
from portal.services.actors import actor_of_token, actor_of_user
from portal.services.customers import update_customer
from portal.services.keys.revoke import revoke_key
from tests.admin.conftest import Admin, make_key, text_of
from tests.conftest import Clock
from tests.factories import CustomerFactory, MembershipFactory

pytestmark = pytest.mark.django_db
StaffWith = Callable[..., Admin]


def found(admin: Admin, **query: str) -> list[tuple[str, str]]:
    """Action and object of the entries that the list shows, oldest first."""
    answer = admin.get("portal/auditevent/", **query)
    assert answer.status_code == 200
    rows = answer.context["cl"].result_list
    return [(event.action, event.object) for event in reversed(rows)]


@pytest.fixture
def revoked(admin: Admin, issued: IssuedKey) -> IssuedKey:
    """A key that the portal issued and a member of staff revoked."""
    revoke_key(actor_of_user(admin.user), issued.pk)
    return issued


def test_by_action(admin: Admin, revoked: IssuedKey) -> None:
    assert found(admin, f_action="key.revoked") == [("key.revoked", revoked.public_id)]
    assert {action for action, _ in found(admin, f_action="key.")} == {
        "key.requested", "key.activated", "key.revoked",
    }  # fmt: skip
    assert found(admin, f_action="key.invented") == []


@pytest.mark.parametrize("named_by", ["email", "public_id"])
def test_by_person(admin: Admin, revoked: IssuedKey, named_by: str) -> None:
    term = getattr(admin.user, named_by)
    assert found(admin, f_actor=term) == [("key.revoked", revoked.public_id)]


def test_by_token_and_by_the_portal(admin: Admin, issued: IssuedKey) -> None:
    token, _ = create_access_token(SYSTEM, owner=admin.user, scopes=["keys:write"])
    revoke_key(actor_of_token(token), issued.pk)
    assert found(admin, f_actor=token.public_id) == [("key.revoked", issued.public_id)]
    assert ("key.requested", issued.public_id) in found(admin, f_actor="The portal")


@pytest.mark.parametrize("named_by", ["public_id", "name", "external_id"])
def test_by_customer(admin: Admin, revoked: IssuedKey, named_by: str) -> None:
    other = make_key(MembershipFactory())
    listed = found(admin, f_customer=getattr(revoked.customer, named_by))
    assert ("key.revoked", revoked.public_id) in listed
    assert other.public_id not in dict(map(reversed, listed))  # type: ignore[arg-type]


def test_by_object_and_by_the_address_of_a_person(admin: Admin, revoked: IssuedKey) -> None:
    assert len(found(admin, f_object=revoked.public_id)) == 3
    admin.post("portal/user/add/", email="new@acme.example", name="New")
    assert [action for action, _ in found(admin, f_object="new@acme.example")] == ["user.created"]


def test_by_day_both_ends_included(admin: Admin, clock: Clock) -> None:
    clock.at = clock.at.replace(hour=23, minute=59)
    customers = []
    for _ in range(3):
        customer = CustomerFactory(status="pending")
        update_customer(SYSTEM, customer.pk, {"status": "active"})
        customers.append(customer.public_id)
        clock.advance(days=1)
    day = (clock.at - timedelta(days=2)).strftime("%Y-%m-%d")
    only = found(admin, f_action="customer.changed", f_since=day, f_until=day)
    assert only == [("customer.changed", customers[1])]
    assert len(found(admin, f_action="customer.changed", f_since=day)) == 2
    assert len(found(admin, f_action="customer.changed", f_until=day)) == 2


def test_what_makes_no_sense_shows_nothing_and_says_why(admin: Admin, revoked: IssuedKey) -> None:
    answer = admin.get("portal/auditevent/", f_since="yesterday")
    assert "Enter a valid date" in text_of(answer)
    assert not answer.context["cl"].result_list
    assert "before the first day" in text_of(
        admin.get("portal/auditevent/", f_since="2026-02-01", f_until="2026-01-01")
    )


def test_filters_are_calendars_and_keep_each_other(admin: Admin, revoked: IssuedKey) -> None:
    page = admin.get("portal/auditevent/", f_action="key.", q=revoked.public_id).content.decode()
    assert page.count('type="date"') == 2
    assert f'name="q" value="{revoked.public_id}"' in page
    assert 'name="f_action" value="key."' in page
    assert '<option value="key." selected>' in page


def test_people_and_objects_are_links_where_they_still_exist(admin: Admin, revoked: IssuedKey) -> None:
    page = admin.get("portal/auditevent/", f_action="key.revoked").content.decode()
    assert f'<a href="/admin/portal/issuedkey/{revoked.pk}/change/">{revoked.public_id}</a>' in page
    assert f'<a href="/admin/portal/user/{admin.user.pk}/change/">' in page
    AuditEvent.objects.filter(action="key.revoked").update(object="key_gone", actor="user usr_gone")
    page = admin.get("portal/auditevent/", f_action="key.revoked").content.decode()
    assert "<code>key_gone</code>" in page
    assert "<code>usr_gone</code>" in page


def test_an_entrys_page_has_its_detail_line_by_line(admin: Admin, owner: Membership) -> None:
    update_customer(SYSTEM, owner.customer_id, {"name": "New", "status": "suspended"})
    event = AuditEvent.objects.get(action="customer.changed")
    told = text_of(admin.get(f"portal/auditevent/{event.pk}/change/"))
    assert "Fields: name, status" in told
    assert "Status: suspended" in told


def test_the_log_stays_read_only_for_a_superuser(admin: Admin, revoked: IssuedKey) -> None:
    event = AuditEvent.objects.order_by("-id")[0]
    assert admin.post(f"portal/auditevent/{event.pk}/change/", action="x").status_code == 403
    assert admin.choose("auditevent", "delete_selected", event, confirmed=True).status_code in (200, 302)
    assert AuditEvent.objects.filter(pk=event.pk, action=event.action).exists()


def test_naming_many_kinds_of_objects_takes_one_query_each(admin: Admin) -> None:
    counted = []
    for rows in (1, 6):
        for _ in range(rows):
            make_key(MembershipFactory())
            create_access_token(SYSTEM, owner=admin.user, scopes=["keys:read"])
        with CaptureQueriesContext(connection) as queries:
            admin.get("portal/auditevent/")
        counted.append(len(queries))
    assert counted[0] == counted[1]
