"""Taking one's data away, and deleting one's account."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from portal.core.actor import SYSTEM
from portal.models import AuditEvent, Customer, IssuedKey, ManagementToken, Membership, User
from portal.services.access_tokens import create_access_token
from portal.services.audit import broken_entries
from portal.services.keys.request import request_key
from tests.factories import MembershipFactory, UserFactory
from tests.web.conftest import age_sign_in, sign_in

pytestmark = pytest.mark.django_db
MakeKey = Callable[..., IssuedKey]
DELETE = "/settings/data/delete"


def downloaded(client: Client) -> dict[str, Any]:
    answer = client.post("/settings/data/download")
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert "attachment" in answer.headers["Content-Disposition"]
    return dict(json.loads(b"".join(answer)))  # type: ignore[call-overload]  # it streams


def delete(client: Client, user: User) -> Any:
    return client.post(DELETE, {"typed_name": user.email})


def test_the_file_holds_what_is_kept_about_the_person(
    browser: Client, owner: Membership, make_key: MakeKey
) -> None:
    key = make_key("laptop")
    token, _ = create_access_token(SYSTEM, owner=owner.user, customer=owner.customer, scopes=["keys:read"])
    browser.post("/settings", {"name": "Ada", "language": "automatic", "time_zone": "automatic"})
    found = downloaded(browser)
    (profile,) = found["profile"]
    assert (profile["id"], profile["email"], profile["name"]) == (
        owner.user.public_id,
        owner.user.email,
        "Ada",
    )
    assert found["email_addresses"] == [{"email": owner.user.email, "verified": True, "primary": True}]
    assert [(row["customer"], row["role"]) for row in found["memberships"]] == [
        (owner.customer.public_id, "owner")
    ]
    assert [(row["id"], row["name"], row["last4"]) for row in found["keys"]] == [
        (key.public_id, "laptop", key.last4)
    ]
    assert [row["id"] for row in found["access_tokens"]] == [token.public_id]
    assert len(found["sessions"]) == 1
    assert "user.changed" in [row["action"] for row in found["activity"]]


def test_the_file_holds_no_secret_and_nothing_of_others(
    browser: Client, owner: Membership, make_key: MakeKey
) -> None:
    key = make_key()
    colleague = MembershipFactory(customer=owner.customer, role="admin")
    request_key(SYSTEM, owner.customer_id, user=colleague.user, name="not mine")
    token, text = create_access_token(SYSTEM, owner=owner.user, customer=owner.customer, scopes=["keys:read"])
    written = json.dumps(downloaded(browser))
    for kept_back in (
        key.sealed_secret, key.fingerprint, token.digest, text.reveal(), owner.user.password, "not mine",
        colleague.user.email,
    ):  # fmt: skip
        assert str(kept_back) not in written


def test_taking_the_file_is_audited_and_asks_for_a_recent_sign_in(browser: Client, owner: Membership) -> None:
    age_sign_in(browser)
    answer = browser.post("/settings/data/download")
    assert answer.headers["Location"] == "/accounts/reauthenticate/?next=%2Fsettings%2Fdata"
    assert not AuditEvent.objects.filter(action="user.exported").exists()
    browser = sign_in(owner.user)
    downloaded(browser)
    assert AuditEvent.objects.get(action="user.exported").object == owner.user.public_id
    assert browser.get("/settings/data/download").status_code == 405


def test_much_is_read_in_few_queries(
    browser: Client, owner: Membership, django_assert_max_num_queries: Any
) -> None:
    IssuedKey.objects.bulk_create(
        IssuedKey(customer=owner.customer, user=owner.user, name=f"k{n}", plugin="jwt", status="failed")
        for n in range(1200)
    )
    with django_assert_max_num_queries(40):
        found = downloaded(browser)
    assert len(found["keys"]) == len({row["id"] for row in found["keys"]}) == 1200


def test_the_only_member_takes_the_customer_along(
    browser: Client, owner: Membership, make_key: MakeKey
) -> None:
    key = make_key()
    page = browser.get(DELETE).content.decode()
    assert owner.customer.name in page
    assert "1 key is revoked." in page
    answer = delete(browser, owner.user)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/goodbye")
    assert not User.objects.filter(pk=owner.user_id).exists()
    customer = Customer.objects.get()
    assert (customer.status, customer.name) == ("closed", "")
    assert customer.deleted_at is not None
    key.refresh_from_db()
    assert (key.status, key.user) == ("revoked", None)
    assert browser.get("/keys").headers["Location"] == "/accounts/login/?next=/keys"
    assert "Your account is deleted" in browser.get("/goodbye").content.decode()
    assert not list(broken_entries())


def test_among_others_the_membership_ends_and_the_keys_stay(make_key: MakeKey, owner: Membership) -> None:
    admin = MembershipFactory(customer=owner.customer, role="admin")
    operation = request_key(SYSTEM, owner.customer_id, user=admin.user, name="theirs")
    token, _ = create_access_token(SYSTEM, owner=admin.user, customer=owner.customer, scopes=["keys:read"])
    client = sign_in(admin.user)
    assert "Its keys stay" in client.get(DELETE).content.decode()
    assert delete(client, admin.user).headers["Location"] == "/goodbye"
    key = IssuedKey.objects.get(pk=operation.key_id)
    assert key.user is None
    assert key.status != "revoked"
    assert list(owner.customer.users.all()) == [owner.user]
    assert not ManagementToken.objects.filter(pk=token.pk).exists()
    actions = set(
        AuditEvent.objects.filter(actor=f"user {admin.user.public_id}").values_list("action", flat=True)
    )
    assert {"member.removed", "access_token.revoked", "user.deleted"} <= actions


def test_the_last_owner_among_others_stays_until_there_is_another(owner: Membership) -> None:
    alone = MembershipFactory(user=owner.user)
    other = MembershipFactory(customer=owner.customer, role="admin")
    client = sign_in(owner.user)
    assert "only owner" in client.get(DELETE).content.decode()
    answer = delete(client, owner.user)
    assert answer.status_code == 409
    assert f"only owner of {owner.customer.name}" in answer.content.decode()
    alone.customer.refresh_from_db()
    assert alone.customer.status == "active"
    assert owner.customer.memberships.count() == 2
    other.role = "owner"
    other.save(update_fields=["role"])
    assert delete(client, owner.user).headers["Location"] == "/goodbye"


def test_all_customers_of_a_person_are_looked_after(owner: Membership, make_key: MakeKey) -> None:
    make_key()
    second = MembershipFactory(user=owner.user)
    third = MembershipFactory(customer=MembershipFactory().customer, user=owner.user, role="viewer")
    assert delete(sign_in(owner.user), owner.user).status_code == 302
    deleted = Customer.objects.exclude(deleted_at=None).values_list("pk", flat=True)
    assert set(deleted) == {owner.customer_id, second.customer_id}
    third.customer.refresh_from_db()
    assert third.customer.status == "active"


@pytest.mark.parametrize("typed", ["", "other@example.com", "{email}.", "{upper}"])
def test_the_address_has_to_be_typed(browser: Client, owner: Membership, typed: str) -> None:
    email = owner.user.email
    answer = browser.post(DELETE, {"typed_name": typed.format(email=email, upper=email.upper())})
    assert answer.status_code == 422
    assert f"Nothing was changed. To confirm, type “{email}”, exactly so." in answer.content.decode()
    assert User.objects.filter(pk=owner.user_id).exists()


def test_an_old_sign_in_is_confirmed_first(browser: Client, owner: Membership) -> None:
    age_sign_in(browser)
    for answer in (browser.get(DELETE), delete(browser, owner.user)):
        assert answer.headers["Location"] == "/accounts/reauthenticate/?next=%2Fsettings%2Fdata%2Fdelete"
    assert User.objects.filter(pk=owner.user_id).exists()


def test_looking_deletes_nothing(browser: Client, owner: Membership) -> None:
    assert browser.get(DELETE, {"typed_name": owner.user.email}).status_code == 200
    assert User.objects.filter(pk=owner.user_id).exists()


def test_staff_are_sent_to_a_superuser(staff: User) -> None:
    client = sign_in(staff)
    assert "ask another superuser" in client.get(DELETE).content.decode()
    assert delete(client, staff).status_code == 403
    assert User.objects.filter(pk=staff.pk).exists()


def test_a_person_without_a_customer_leaves_too() -> None:
    user = UserFactory()
    client, elsewhere = sign_in(user), sign_in(user)
    assert delete(client, user).headers["Location"] == "/goodbye"
    assert not User.objects.filter(pk=user.pk).exists()
    assert elsewhere.get("/settings").headers["Location"].startswith("/accounts/login/")


def test_the_page_is_light_with_many_customers(owner: Membership, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        MembershipFactory(user=owner.user)
        MembershipFactory(user=owner.user, customer=MembershipFactory().customer)
    client = sign_in(owner.user)
    with django_assert_max_num_queries(12):
        assert client.get(DELETE).status_code == 200
