import re
from collections.abc import Callable
from typing import Any

import pytest

from portal.core.actor import SYSTEM
from portal.core.sealing import unseal
from portal.models import AuditEvent, Customer, IssuedKey, ManagementToken, Membership, Operation, SigningKey
from portal.services.access_tokens import authenticate, create_access_token
from portal.services.keys.request import request_key
from portal.services.operations.queue import new_operation
from provisioning.errors import Transient
from tests.admin.conftest import Admin, make_key, text_of, work
from tests.conftest import Clock
from tests.factories import CustomerFactory, MembershipFactory, PlanFactory, SubscriptionFactory
from tests.provisioning.acme import AcmeProvider

pytestmark = pytest.mark.django_db
StaffWith = Callable[..., Admin]


def last_event(subject: str) -> AuditEvent:
    return AuditEvent.objects.filter(object=subject).order_by("-id")[0]


def queued(owner: Membership, **fields: Any) -> Operation:
    operation = new_operation(Operation.Kind.PROVISION, "kong-gateway", owner.customer, user=owner.user)
    for name, value in fields.items():
        setattr(operation, name, value)
    operation.save()
    return operation


# Issue key, Provision


def test_staff_issue_a_key_and_never_see_its_secret(admin: Admin, owner: Membership) -> None:
    asked = admin.get(f"portal/customer/{owner.customer_id}/act/issue_key/")
    assert owner.user.email in text_of(asked)
    answer = admin.act("customer", owner.customer, "issue_key", user=owner.user_id, name="production")
    key = IssuedKey.objects.get()
    assert key.status == "active"
    assert key.user == owner.user
    told = text_of(answer)
    assert (
        f"Key {key.public_id} issued for {owner.user.email}: they reveal it at /keys/{key.public_id}" in told
    )
    secret = unseal(key.sealed_secret).reveal().strip('"')
    assert secret
    assert secret not in answer.content.decode()
    requested = AuditEvent.objects.get(object=key.public_id, action="key.requested")
    assert requested.actor == f"user {admin.user.public_id}"


def test_issuing_by_the_lists_menu_asks_first(admin: Admin, owner: Membership) -> None:
    asked = admin.choose("customer", "issue_key", owner.customer)
    assert asked.status_code == 200
    assert "What will happen" in text_of(asked)
    assert not IssuedKey.objects.exists()
    admin.choose(
        "customer", "issue_key", owner.customer, confirmed=True, user=owner.user_id, name="production"
    )
    assert IssuedKey.objects.get().status == "active"


def test_the_plan_bounds_what_staff_issue(admin: Admin, owner: Membership) -> None:
    plan = PlanFactory(max_keys=1, max_lifetime="30d", scopes=["orders:read"])
    SubscriptionFactory(customer=owner.customer, plan=plan)
    wanted = {"user": owner.user_id, "name": "production", "scopes": ["orders:read"]}
    refused = admin.act("customer", owner.customer, "issue_key", **wanted, expires_in="31d")
    assert "The plan allows at most 30d." in text_of(refused)
    admin.act("customer", owner.customer, "issue_key", **wanted, expires_in="7d")
    assert IssuedKey.objects.get().scopes == ["orders:read"]
    refused = admin.act("customer", owner.customer, "issue_key", **wanted)
    assert "The plan allows 1 key," in text_of(refused)
    assert IssuedKey.objects.count() == 1


def test_a_key_is_only_issued_to_a_member(admin: Admin, owner: Membership) -> None:
    stranger = MembershipFactory().user
    answer = admin.act("customer", owner.customer, "issue_key", user=stranger.pk, name="production")
    assert "Select a valid choice" in text_of(answer)
    assert not IssuedKey.objects.exists()


def test_one_customer_at_a_time(admin: Admin) -> None:
    two = [MembershipFactory().customer, MembershipFactory().customer]
    answer = admin.choose("customer", "issue_key", *two)
    assert answer.status_code == 302
    assert "choose one at a time" in text_of(admin.get("portal/customer/"))


def test_staff_provision_a_person(admin: Admin, owner: Membership) -> None:
    answer = admin.act("customer", owner.customer, "provision", user=owner.user_id)
    assert f"Provisioned {owner.user.email} at jwt" in text_of(answer)
    assert Operation.objects.get(kind="provision").state == "succeeded"


def test_a_person_is_added_by_address(admin: Admin) -> None:
    customer = CustomerFactory()
    admin.act("customer", customer, "add_member", email="Ada@acme.example", name="Ada", role="owner")
    membership = Membership.objects.get(customer=customer)
    assert (membership.user.email, membership.role) == ("ada@acme.example", "owner")
    again = admin.act("customer", customer, "add_member", email="ada@acme.example", role="owner")
    assert "a member already" in text_of(again)


# Customers' states


def test_suspending_asks_and_revokes(admin: Admin, issued: IssuedKey) -> None:
    asked = admin.get(f"portal/customer/{issued.customer_id}/act/suspend/")
    assert "1 key will be revoked" in text_of(asked)
    issued.customer.refresh_from_db()
    assert issued.customer.status == "active"
    admin.act("customer", issued.customer, "suspend")
    issued.customer.refresh_from_db()
    issued.refresh_from_db()
    assert (issued.customer.status, issued.status) == ("suspended", "revoked")
    admin.act("customer", issued.customer, "activate")
    issued.customer.refresh_from_db()
    assert issued.customer.status == "active"


def test_several_are_suspended_and_refusals_are_told(admin: Admin) -> None:
    three = [CustomerFactory(status=status) for status in ("closed", "active", "active")]
    answer = admin.choose("customer", "suspend", *three, confirmed=True)
    assert (
        f"2 suspended, 1 refused: {three[0].name}: This customer is closed and can't become suspended"
        in text_of(answer)
    )
    assert Customer.objects.filter(status="suspended").count() == 2


def test_deleting_wants_to_be_sure(admin: Admin, owner: Membership) -> None:
    admin.act("customer", owner.customer, "erase")
    owner.customer.refresh_from_db()
    assert owner.customer.deleted_at is None
    admin.act("customer", owner.customer, "erase", sure="on")
    owner.customer.refresh_from_db()
    assert owner.customer.deleted_at is not None
    assert admin.get(f"portal/customer/{owner.customer_id}/change/").status_code == 200


# Keys


def test_revoking_asks_lists_and_reports(admin: Admin, owner: Membership) -> None:
    keys = [make_key(owner, name) for name in ("one", "two")]
    asked = admin.choose("issuedkey", "revoke", *keys)
    told = text_of(asked)
    assert keys[0].public_id in told
    assert keys[1].public_id in told
    assert "2 of 2 can be used now" in told
    assert IssuedKey.objects.filter(status="active").count() == 2
    answer = admin.choose("issuedkey", "revoke", *keys, confirmed=True, reason="leaked")
    assert "2 revoked" in text_of(answer)
    assert set(IssuedKey.objects.values_list("status", "revoke_reason")) == {("revoked", "leaked")}
    assert last_event(keys[0].public_id).actor == f"user {admin.user.public_id}"


def test_rotating_makes_a_successor(admin: Admin, issued: IssuedKey) -> None:
    answer = admin.act("issuedkey", issued, "rotate", overlap="1h")
    successor = IssuedKey.objects.get(rotated_from=issued)
    assert successor.status == "active"
    assert successor.public_id in text_of(answer)
    assert "has a successor already" in text_of(admin.act("issuedkey", issued, "rotate", overlap="1h"))
    assert "not a duration" in text_of(admin.act("issuedkey", issued, "rotate", overlap="soon"))


# Operations


def test_an_operation_is_retried(admin: Admin, owner: Membership) -> None:
    operation = queued(owner, state="needs_attention", attempts=3)
    admin.act("operation", operation, "retry")
    operation.refresh_from_db()
    assert operation.state == "queued"
    assert last_event(operation.public_id).action == "operation.retried"


def test_one_that_has_not_begun_is_cancelled_at_once_and_one_that_has_is_cleaned_up_first(
    admin: Admin, owner: Membership, acme: AcmeProvider
) -> None:
    fresh = request_key(SYSTEM, owner.customer_id, user=owner.user, name="one", plugin="acme")
    assert "Nothing was created" in text_of(admin.act("operation", fresh, "cancel"))
    fresh.refresh_from_db()
    assert fresh.state == "cancelled"
    begun = request_key(SYSTEM, owner.customer_id, user=owner.user, name="two", plugin="acme")
    with acme.failing(Transient("busy", "Acme is busy.")):
        work()
    told = text_of(admin.act("operation", begun, "cancel"))
    assert "is being cancelled: what it created is removed first" in told
    assert "Being cancelled" in told
    assert "Cancel</a>" not in admin.get(f"portal/operation/{begun.pk}/change/").content.decode()
    work()
    begun.refresh_from_db()
    assert begun.state == "cancelled"


def test_many_are_cancelled_and_refusals_are_told(admin: Admin, owner: Membership) -> None:
    revocation = queued(owner, kind="revoke_key", state="retrying")
    others = [queued(owner) for _ in range(7)]
    answer = admin.choose("operation", "cancel", revocation, *others, confirmed=True)
    told = f"7 cancelled, 1 refused: {revocation.public_id}: A revocation is never taken back."
    assert told in text_of(answer)


def test_many_are_retried_and_refusals_are_told(admin: Admin, owner: Membership) -> None:
    done = queued(owner, state="cancelled", finished_at=owner.created_at)
    others = [queued(owner, state="needs_attention", run_after=None) for _ in range(7)]
    answer = admin.choose("operation", "retry", done, *others, confirmed=True)
    assert f"7 queued, 1 refused: {done.public_id}: This operation is cancelled" in text_of(answer)
    assert Operation.objects.filter(state="queued", run_after__isnull=False).count() == 7


# Signing keys


def test_a_young_staged_key_is_activated_only_by_force(admin: Admin, clock: Clock) -> None:
    staged = SigningKey.objects.get(state="staged")
    assert "Gateways may not know" in text_of(admin.act("signingkey", staged, "activate"))
    staged.refresh_from_db()
    assert staged.state == "staged"
    admin.act("signingkey", staged, "activate", force="on")
    staged.refresh_from_db()
    assert staged.state == "active"


def test_an_old_enough_staged_key_is_activated(admin: Admin, clock: Clock) -> None:
    staged = SigningKey.objects.get(state="staged")
    clock.advance(days=2)
    admin.act("signingkey", staged, "activate")
    staged.refresh_from_db()
    assert staged.state == "active"


def test_only_the_staged_key_is_activated(admin: Admin) -> None:
    active = SigningKey.objects.get(state="active")
    assert "Only the staged key" in text_of(admin.act("signingkey", active, "activate", force="on"))


def test_the_next_key_is_staged(admin: Admin) -> None:
    former = SigningKey.objects.get(state="staged")
    admin.act("signingkey", former, "stage_next")
    former.refresh_from_db()
    assert former.state == "retired"
    assert SigningKey.objects.get(state="staged").kid != former.kid


def test_revoking_a_signing_key_wants_a_reason_and_to_be_sure(admin: Admin, issued: IssuedKey) -> None:
    active = SigningKey.objects.get(state="active")
    assert "revoked with it: 1." in text_of(admin.get(f"portal/signingkey/{active.pk}/act/revoke/"))
    admin.act("signingkey", active, "revoke", reason="leaked")
    active.refresh_from_db()
    assert active.state == "active"
    answer = admin.act("signingkey", active, "revoke", reason="leaked", sure="on")
    active.refresh_from_db()
    issued.refresh_from_db()
    assert (active.state, issued.status) == ("revoked", "revoked")
    assert "and with it 1 key of 1 customer." in text_of(answer)


# Access tokens, subscriptions, memberships


def test_an_access_token_is_shown_once_and_revoked(admin: Admin) -> None:
    answer = admin.post(
        "portal/managementtoken/add/", name="sync", scopes=["keys:read"], expires_in="90d", customer=""
    )
    token = ManagementToken.objects.get()
    assert "no-store" in answer["Cache-Control"]
    shown = re.search(r"lk_[0-9A-Za-z]{36}", answer.content.decode())
    assert shown is not None
    assert authenticate(shown[0]) == token
    assert shown[0] not in admin.get(f"portal/managementtoken/{token.pk}/change/").content.decode()
    assert (token.owner, token.scopes) == (admin.user, ["keys:read"])
    assert token.expires_at is not None
    admin.act("managementtoken", token, "revoke")
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_staff_give_a_token_only_scopes_they_hold(staff_with: StaffWith) -> None:
    some = staff_with("add_managementtoken", "view_plan")
    page = some.get("portal/managementtoken/add/").content.decode()
    assert "plans:read" in page
    assert "keys:write" not in page
    some.post("portal/managementtoken/add/", name="x", scopes=["keys:write"], expires_in="", customer="")
    assert not ManagementToken.objects.exists()


def test_cancelling_a_subscription_revokes_its_keys(admin: Admin, owner: Membership) -> None:
    subscription = SubscriptionFactory(customer=owner.customer)
    key = make_key(owner)
    assert "for good: 1." in text_of(admin.get(f"portal/subscription/{subscription.pk}/act/cancel/"))
    admin.act("subscription", subscription, "cancel")
    key.refresh_from_db()
    subscription.refresh_from_db()
    assert (subscription.status, key.status) == ("cancelled", "revoked")


def test_the_last_owner_is_not_removed(admin: Admin, owner: Membership) -> None:
    assert "needs an owner" in text_of(admin.act("membership", owner, "remove"))
    other = MembershipFactory(customer=owner.customer, role="viewer")
    admin.act("membership", other, "remove")
    assert list(Membership.objects.all()) == [owner]


# Who may

NEEDED = [
    ("customer", "issue_key", "issue_issuedkey"),
    ("customer", "provision", "provision_customer"),
    ("customer", "add_member", "add_membership"),
    ("customer", "suspend", "change_customer"),
    ("customer", "activate", "change_customer"),
    ("customer", "close", "change_customer"),
    ("customer", "erase", "delete_customer"),
    ("issuedkey", "rotate", "rotate_issuedkey"),
    ("issuedkey", "revoke", "revoke_issuedkey"),
    ("operation", "retry", "retry_operation"),
    ("operation", "cancel", "cancel_operation"),
    ("signingkey", "stage_next", "stage_signingkey"),
    ("signingkey", "activate", "activate_signingkey"),
    ("signingkey", "revoke", "revoke_signingkey"),
    ("managementtoken", "revoke", "delete_managementtoken"),
    ("membership", "remove", "delete_membership"),
    ("subscription", "cancel", "change_subscription"),
]
ANSWERS = {
    "name": "x", "overlap": "1h", "reason": "x", "force": "on", "sure": "on", "email": "new@acme.example",
    "role": "viewer",
}  # fmt: skip


@pytest.fixture
def rows(owner: Membership, issued: IssuedKey) -> dict[str, Any]:
    from portal.core.actor import SYSTEM

    return {
        "customer": owner.customer,
        "issuedkey": issued,
        "operation": queued(owner),
        "signingkey": SigningKey.objects.get(state="staged"),
        "managementtoken": create_access_token(SYSTEM, owner=owner.user, scopes=["keys:read"])[0],
        "membership": MembershipFactory(customer=owner.customer, role="viewer"),
        "subscription": SubscriptionFactory(customer=owner.customer),
    }


@pytest.mark.parametrize(("model", "action", "permission"), NEEDED)
def test_an_action_needs_its_permission(
    staff_with: StaffWith, rows: dict[str, Any], model: str, action: str, permission: str
) -> None:
    viewer, found = staff_with(f"view_{model}"), rows[model]
    events = AuditEvent.objects.count()
    answers = {**ANSWERS, "user": rows["issuedkey"].user_id}
    assert viewer.get(f"portal/{model}/{found.pk}/act/{action}/").status_code == 403
    assert viewer.act(model, found, action, **answers).status_code == 403
    assert f'value="{action}"' not in viewer.get(f"portal/{model}/").content.decode()
    assert f"/act/{action}/" not in viewer.get(f"portal/{model}/{found.pk}/change/").content.decode()
    viewer.choose(model, action, found, confirmed=True, **answers)
    assert AuditEvent.objects.count() == events

    able = staff_with(f"view_{model}", permission)
    assert f'value="{action}"' in able.get(f"portal/{model}/").content.decode()
    assert able.get(f"portal/{model}/{found.pk}/act/{action}/").status_code == 200


@pytest.mark.parametrize(
    ("model", "action", "permission"), [row for row in NEEDED if row[2] != f"change_{row[0]}"]
)
def test_an_action_needs_sight_of_the_object(
    staff_with: StaffWith, rows: dict[str, Any], model: str, action: str, permission: str
) -> None:
    """Whoever may change an object sees it; other permissions don't imply sight."""
    blind = staff_with(permission)
    assert blind.get(f"portal/{model}/{rows[model].pk}/act/{action}/").status_code == 403


@pytest.mark.parametrize(("model", "action", "permission"), NEEDED)
def test_looking_at_the_question_changes_nothing(
    admin: Admin, rows: dict[str, Any], model: str, action: str, permission: str
) -> None:
    events = AuditEvent.objects.count()
    assert admin.get(f"portal/{model}/{rows[model].pk}/act/{action}/").status_code == 200
    assert (
        admin.get(f"portal/{model}/{rows[model].pk}/act/{action}/", confirmed=action, **ANSWERS).status_code
        == 200
    )
    assert admin.choose(model, action, rows[model]).status_code == 200
    assert AuditEvent.objects.count() == events


def test_an_unknown_action_or_object_is_not_there(admin: Admin, owner: Membership) -> None:
    assert admin.get(f"portal/customer/{owner.customer_id}/act/explode/").status_code == 404
    assert admin.get("portal/customer/999999/act/close/").status_code == 404
