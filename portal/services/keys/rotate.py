"""Rotating a key: a successor beside it, until the overlap ends."""

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import Conflict, Invalid, NotFound
from portal.models import IssuedKey, Membership, Operation, User
from portal.services.audit import Action, record
from portal.services.customers import lock_customer
from portal.services.keys.request import (
    allowed_scopes,
    check_may_have_keys,
    lifetime_within,
    plugin_within,
)
from portal.services.operations.queue import new_operation
from portal.services.plans import effective_plan

DEFAULT_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=90)
NEVER_LIVED = (IssuedKey.Status.FAILED, IssuedKey.Status.REVOKED)
"""How a successor ends that was never activated: the key may be rotated again."""


def rotate_key(
    actor: Actor, key_id: int, *, overlap: timedelta = DEFAULT_OVERLAP, heir: User | None = None
) -> Operation:
    """Ask for a successor with the same name, user, scopes and lifetime.

    ``heir`` gets it when the key's user is no member any more. Its operation is as ``request_key``
    gives it. The old key works until the successor has been active for ``overlap``, and fully when
    the successor fails. It doesn't count against the limit.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid.field("overlap", _("must be from 0 to 90 days"))
    found = IssuedKey.objects.filter(pk=key_id).values_list("customer_id", flat=True).first()
    if found is None:
        raise NotFound("key")
    with transaction.atomic():
        customer = lock_customer(found)
        plan, subscription = effective_plan(customer, lock=True)
        check_may_have_keys(customer, plan, has_subscription=subscription is not None)
        old = IssuedKey.objects.select_for_update(no_key=True).get(pk=key_id)
        _check_rotatable(old)
        user = _successors_user(old, heir)
        plugin = plugin_within(plan, old.plugin)
        longest = plan.longest_life
        key = IssuedKey.objects.create(
            customer=customer,
            subscription=subscription,
            user=user,
            name=old.name,
            plugin=old.plugin,
            scopes=[scope for scope in old.scopes if scope in allowed_scopes(plan, plugin)],
            lifetime=min(old.lifetime, longest)
            if old.lifetime and longest
            else old.lifetime or lifetime_within(plan, plugin, None),
            rotated_from=old,
            overlap=overlap,
            created_by=actor.identity,
        )
        operation = new_operation(Operation.Kind.ISSUE_KEY, plugin.slug, customer, user=user, key=key)
        record(actor, Action.KEY_REQUESTED, key.public_id, customer=customer,
               plugin=key.plugin, operation=operation.public_id, rotated_from=old.public_id)  # fmt: skip
    return operation


def _successors_user(key: IssuedKey, heir: User | None) -> User:
    for user in (key.user, heir):
        if user is not None and Membership.objects.filter(customer=key.customer, user=user).exists():
            return user
    raise Conflict(
        "key_without_user",
        _(
            "The key's user is no longer a member, so nobody could reveal a successor. "
            "Nothing was created. Create a new key and revoke this one."
        ),
    )


def _check_rotatable(key: IssuedKey) -> None:
    if not key.is_usable:
        raise Conflict(
            "key_not_active",
            _("Only a key that works now can be rotated. Nothing was created. Create another key instead."),
        )
    if IssuedKey.objects.filter(successors=key, status="active").exclude(retires_at__lte=now()).exists():
        # Else rotating on and on would pile up keys beyond the plan's limit.
        raise Conflict(
            "rotation_under_way",
            _(
                "The key that this one replaces still works. Revoke it or wait for the overlap to end. "
                "Nothing was created."
            ),
        )
    if IssuedKey.objects.filter(rotated_from=key).exclude(activated_at=None, status__in=NEVER_LIVED).exists():
        raise Conflict(
            "already_rotated",
            _("This key has a successor already. Nothing was created. Use the successor, or rotate that."),
        )
