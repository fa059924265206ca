"""What the end of a subscription or customer does to keys at every plugin, and what is left of people."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from portal.core.actor import SYSTEM
from portal.jobs.claim import claim_operation
from portal.jobs.run import run_inline, run_operation
from portal.models import (
    Call,
    Customer,
    IssuedKey,
    ManagementToken,
    Membership,
    Notice,
    Operation,
    ProviderAccount,
    Subscription,
    User,
)
from portal.services.access_tokens import create_access_token
from portal.services.audit import broken_entries
from portal.services.customers import delete_customer, update_customer
from portal.services.keys.request import request_key
from portal.services.operations.queue import request_provisioning
from portal.services.subscriptions import update_subscription
from provisioning.errors import Transient
from tests.conftest import Clock
from tests.factories import MembershipFactory, PlanFactory, SubscriptionFactory, UserFactory
from tests.jobs.listing import Listing
from tests.services.remote import work

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription(owner: Membership) -> Subscription:
    return SubscriptionFactory(customer=owner.customer, plan=PlanFactory())


@pytest.fixture
def keys(remote: Listing, owner: Membership, subscription: Subscription, clock: Clock) -> list[IssuedKey]:
    """An active key at each plugin, JWT and remote, their secrets not fetched yet."""
    for plugin in ("jwt", "remote"):
        run_inline(request_key(SYSTEM, owner.customer_id, user=owner.user, name=plugin, plugin=plugin))
    work()
    found = list(IssuedKey.objects.order_by("pk"))
    assert [key.status for key in found] == ["active", "active"]
    return found


def cancel(owner: Membership) -> None:
    subscription = Subscription.objects.get(customer=owner.customer)
    update_subscription(SYSTEM, subscription.pk, {"status": "cancelled"})


def suspend(owner: Membership) -> None:
    update_customer(SYSTEM, owner.customer_id, {"status": "suspended"})


def close(owner: Membership) -> None:
    update_customer(SYSTEM, owner.customer_id, {"status": "closed"})


def delete(owner: Membership) -> None:
    delete_customer(SYSTEM, owner.customer_id)


ENDS = pytest.mark.parametrize("end", [cancel, suspend, close, delete])
End = Callable[[Membership], None]


def statuses() -> list[str]:
    return list(IssuedKey.objects.order_by("pk").values_list("status", flat=True))


@ENDS
def test_every_key_at_every_plugin_is_revoked(
    keys: list[IssuedKey], remote: Listing, owner: Membership, end: End
) -> None:
    end(owner)
    assert statuses() == ["revoked", "revoking"]
    assert not IssuedKey.objects.exclude(sealed_secret="").exists()
    work()
    assert statuses() == ["revoked", "revoked"]
    assert not remote.there


@ENDS
def test_what_the_provider_refuses_for_a_while_is_revoked_later(
    keys: list[IssuedKey], remote: Listing, owner: Membership, clock: Clock, end: End
) -> None:
    remote.refusals = [Transient("busy", "Too busy.") for _ in range(3)]
    end(owner)
    for _ in range(4):
        work()
        clock.advance(minutes=10)
    assert statuses() == ["revoked", "revoked"]
    assert not remote.there


def test_a_payment_that_is_late_revokes_nothing(
    keys: list[IssuedKey], remote: Listing, subscription: Subscription
) -> None:
    update_subscription(SYSTEM, subscription.pk, {"status": "past_due"})
    work()
    assert statuses() == ["active", "active"]
    assert len(remote.there) == 1


@ENDS
def test_a_key_that_nobody_began_to_create_is_never_created(
    remote: Listing, owner: Membership, subscription: Subscription, end: End
) -> None:
    request_key(SYSTEM, owner.customer_id, user=owner.user, name="queued", plugin="remote")
    end(owner)
    work()
    assert statuses() == ["revoked"]
    assert remote.made == 0


@ENDS
def test_a_key_that_is_being_created_is_removed_again(
    remote: Listing, owner: Membership, subscription: Subscription, clock: Clock, end: End
) -> None:
    request_key(SYSTEM, owner.customer_id, user=owner.user, name="running", plugin="remote")
    claimed = claim_operation()
    assert claimed is not None
    end(owner)
    run_operation(claimed)
    settle(clock)
    assert statuses() == ["revoked"]
    assert not remote.there


@ENDS
def test_a_creation_whose_answer_was_lost_is_removed_again(
    remote: Listing, owner: Membership, subscription: Subscription, clock: Clock, end: End
) -> None:
    remote.lose_answers = 1
    request_key(SYSTEM, owner.customer_id, user=owner.user, name="lost", plugin="remote")
    work()
    assert (statuses(), len(remote.there)) == (["requested"], 1)
    end(owner)
    settle(clock)
    assert statuses() == ["revoked"]
    assert not remote.there
    assert not Operation.objects.filter(state="needs_attention").exists()


def settle(clock: Clock) -> None:
    """Let workers work for some minutes."""
    for _ in range(6):
        work()
        clock.advance(minutes=1)


def everything_stored() -> str:
    """Every value of every row of ours and of what signs people in, as text."""
    models = [
        model
        for label in ("portal", "account", "sessions", "admin")
        if apps.is_installed(f"allauth.{label}")
        or apps.is_installed(f"django.contrib.{label}")
        or label == "portal"
        for model in apps.get_app_config(label).get_models()
    ]
    return json.dumps([list(model._default_manager.values()) for model in models], default=str)


def test_deleting_a_customer_leaves_nothing_personal(
    keys: list[IssuedKey], remote: Listing, owner: Membership, clock: Clock
) -> None:
    User.objects.filter(pk=owner.user_id).update(name="Ada Lovelace", email="ada@acme.example")
    EmailAddress.objects.filter(user=owner.user_id).update(email="ada@acme.example")
    update_customer(SYSTEM, owner.customer_id, {"name": "Acme Ltd", "email": "office@acme.example"})
    Notice.objects.create(key=keys[0], kind="unrevealed")
    create_access_token(SYSTEM, owner=User.objects.get(pk=owner.user_id), scopes=["keys:read"],
                        customer=owner.customer)  # fmt: skip
    assert "ada@acme.example" in everything_stored()
    delete(owner)
    work()
    stored = everything_stored()
    for personal in ("Lovelace", "Acme Ltd", "acme.example"):  # a short word may stand in a cipher text
        assert personal not in stored
    assert not EmailAddress.objects.filter(user=owner.user_id).exists()
    assert not ManagementToken.objects.exclude(owner__is_staff=True).exists()
    assert list(broken_entries()) == []


def test_who_belongs_to_another_customer_or_is_staff_stays(owner: Membership) -> None:
    both = MembershipFactory(customer=owner.customer).user
    MembershipFactory(user=both)
    staff = MembershipFactory(customer=owner.customer, user=UserFactory(is_staff=True)).user
    delete(owner)
    assert set(User.objects.values_list("pk", flat=True)) >= {both.pk, staff.pk}
    assert not User.objects.filter(pk=owner.user_id).exists()
    assert EmailAddress.objects.filter(user=both).exists()


def test_a_session_of_somebody_deleted_signs_nobody_in(owner: Membership, client: Any) -> None:
    client.force_login(owner.user)
    assert client.get("/keys").status_code == 200
    delete(owner)
    assert client.get("/keys").status_code == 302
    stored = [SessionStore().decode(session.session_data) for session in Session.objects.all()]
    assert owner.user.email not in str(stored)


def test_revocations_of_a_deleted_customer_are_finished_without_its_user(
    keys: list[IssuedKey], remote: Listing, owner: Membership
) -> None:
    delete(owner)
    assert IssuedKey.objects.filter(user=None).count() == 2
    work()
    assert not remote.there
    assert Customer.objects.get(pk=owner.customer_id).deleted_at is not None
    assert set(Operation.objects.filter(kind="revoke_key").values_list("state", flat=True)) == {"succeeded"}


@pytest.fixture
def provisioned(remote: Listing, owner: Membership) -> list[User]:
    """Two users of one customer that each have an account of their own at the remote plugin."""
    people = [owner.user, MembershipFactory(customer=owner.customer, role="developer").user]
    for user in people:
        request_provisioning(SYSTEM, owner.customer_id, user=user, plugin="remote")
    work()
    assert ProviderAccount.objects.filter(state="ready").count() == 2
    return people


def test_users_that_were_provisioned_are_deleted_with_their_ids_at_the_provider(
    provisioned: list[User], owner: Membership
) -> None:
    assert f"user of {owner.user.email}" in everything_stored()
    delete(owner)
    assert not User.objects.filter(pk__in=[user.pk for user in provisioned]).exists()
    assert owner.user.email not in everything_stored()


def test_who_stays_keeps_their_account_at_the_provider(provisioned: list[User], owner: Membership) -> None:
    MembershipFactory(user=provisioned[1])
    delete(owner)
    assert ProviderAccount.objects.get().user == provisioned[1]
    assert Call.objects.get(scope__endswith=provisioned[1].public_id).resource_id


@pytest.mark.parametrize("begun", [False, True])
def test_nobody_is_provisioned_for_a_deleted_customer(
    remote: Listing, owner: Membership, begun: bool, clock: Clock
) -> None:
    operation = request_provisioning(SYSTEM, owner.customer_id, user=owner.user, plugin="remote")
    claimed = claim_operation() if begun else None
    delete(owner)
    if claimed is not None:
        run_operation(claimed)
    settle(clock)
    assert Operation.objects.get(pk=operation.pk).state == "cancelled"
