"""What happens to the demo's keys: most go well, some don't."""

from datetime import timedelta

from portal.core.actor import Actor
from portal.core.errors import PortalError
from portal.jobs.claim import claim_this, free_abandoned
from portal.jobs.run import run_inline
from portal.management.demo.firm import Firm
from portal.management.demo.timeline import Story
from portal.models import Customer, Operation, User
from portal.services.actors import actor_of_user
from portal.services.keys.activate import fail_key
from portal.services.keys.request import request_key
from portal.services.keys.reveal import reveal_key
from portal.services.keys.revoke import revoke_key
from portal.services.keys.rotate import rotate_key
from portal.services.operations.change import cancel_operation
from portal.services.operations.run import try_again
from portal.services.verification import good_key

NAMES = (
    "production", "staging", "mobile app", "nightly import", "dashboard", "ci", "partner feed",
    "route planner", "load test",
)  # fmt: skip
LIVES = (None, 30, 90, 14, None, 7, 30)
"""Days that keys are asked to live; None leaves it to the plan."""


def key_life(firm: Firm, customer: Customer, user: User, index: int) -> Story:
    """Requested, revealed, used; then perhaps rotated, revoked or left alone."""
    yield firm.soon(1, 5)
    dice, days = firm.dice, LIVES[(customer.pk + index) % len(LIVES)]
    longest = 30 if not customer.subscriptions.exists() else 90
    asked = timedelta(days=min(days, longest)) if days else None
    name = NAMES[index % len(NAMES)]
    by_staff = dice.random() < 0.15
    actor = firm.as_support() if by_staff else actor_of_user(user)
    try:
        operation = request_key(actor, customer.pk, user=user, name=name, expires_in=asked)
    except PortalError:  # suspended or closed meanwhile, or the plan's keys are in use
        return
    run_inline(operation)
    assert operation.key_id is not None
    yield from _used_life(firm, operation.key_id, user, fetched=dice.random() < 0.93)


def _used_life(firm: Firm, key_id: int, user: User, *, fetched: bool) -> Story:
    if not fetched:
        return
    dice = firm.dice
    yield firm.soon(2, 90)
    secret = _fetch(key_id, user)
    if not secret:
        return
    end = dice.random()
    until = firm.soon(60 * 24 * 5, 60 * 24 * 16)
    while firm.timeline.at < until:
        yield firm.soon(60 * 50, 60 * 130)
        good_key(secret)
    if end < 0.12:
        revoke_key(
            actor_of_user(user), key_id, reason=dice.choice(["no longer used", "left the team", "leaked"])
        )
        return
    if end < 0.34:
        try:
            operation = rotate_key(actor_of_user(user), key_id, overlap=timedelta(hours=48))
        except PortalError:  # its time is up, or its customer suspended
            return
        run_inline(operation)
        assert operation.key_id is not None
        yield firm.soon(2, 30)
        secret = _fetch(operation.key_id, user)
    yield firm.timeline.ends_at - timedelta(minutes=dice.uniform(2, 60 * 9))
    good_key(secret)


def _fetch(key_id: int, user: User) -> str:
    """The secret, as its user sees it once; empty when there is none any more."""
    try:
        return str(reveal_key(actor_of_user(user), key_id))
    except PortalError:
        return ""


def _asked_for(customer_name: str, key_name: str) -> tuple[Actor, Operation]:
    """A key that somebody asked for and whose operation this process holds, not yet run."""
    customer = Customer.objects.get(name=customer_name)
    user = customer.memberships.order_by("id")[0].user
    actor = actor_of_user(user)
    return actor, request_key(actor, customer.pk, user=user, name=key_name)


def refused_key(firm: Firm, customer: str, day: float) -> Story:
    yield firm.day(day)
    _, operation = _asked_for(customer, "bulk loader")
    detail = "A scope is visible ASCII without spaces, quotes and backslashes."
    fail_key(operation, "invalid_scope", detail, Operation.State.FAILED)


def crashing_key(firm: Firm, customer: str, day: float) -> Story:
    """Whoever runs its operation dies, five times: then it waits for a person."""
    yield firm.day(day)
    _, operation = _asked_for(customer, "tile renderer")
    while True:
        yield firm.timeline.later(seconds=40)
        free_abandoned()
        if claim_this(operation.pk) is None:
            return


def withdrawn_key(firm: Firm, customer: str, day: float) -> Story:
    """Cancelled by support before it came to be."""
    yield firm.day(day)
    _, operation = _asked_for(customer, "proof of concept")
    try_again(operation, "internal_error", "An unexpected error; the log has it.", after=timedelta(hours=2))
    yield firm.soon(20, 40)
    cancel_operation(firm.as_support(), operation.pk)


def retried_key(firm: Firm, customer: str, day: float) -> Story:
    """Still failing as the month ends: the worker goes on with it."""
    yield firm.day(day)
    _, operation = _asked_for(customer, "survey upload")
    try_again(operation, "internal_error", "An unexpected error; the log has it.", after=timedelta(hours=2))


def waiting_key(firm: Firm, customer_name: str, day: float) -> Story:
    """Issued by support for the owner, who has yet to fetch its secret."""
    yield firm.day(day)
    customer = Customer.objects.get(name=customer_name)
    owner = customer.memberships.order_by("id")[0].user
    run_inline(request_key(firm.as_support(), customer.pk, user=owner, name="harbour cameras"))
