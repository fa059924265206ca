"""What the demo's people do on their own pages: invite, ask for plans, give scripts access."""

from collections.abc import Generator
from datetime import datetime, timedelta

from portal.core.actor import Actor
from portal.jobs.run import run_inline
from portal.management.demo.firm import Firm
from portal.management.demo.timeline import Story
from portal.models import Customer, User
from portal.services.access_tokens import create_access_token
from portal.services.actors import actor_of_user
from portal.services.invitations import invite
from portal.services.keys.request import request_key
from portal.services.keys.reveal import reveal_key
from portal.services.keys.rotate import rotate_key
from portal.services.plan_requests import approve_plan_request, ask_for_plan, decline_plan_request


def portal_stories(firm: Firm, shown: str) -> list[Story]:
    return [
        invitation(firm, shown, 24.4, "pilot.desk@harbourlight.example"),
        invitation(firm, shown, 29.1, "yard.systems@harbourlight.example"),
        script_access(firm, shown, 12.3),
        ending_key(firm, shown, 13.8),
        replaced_key(firm, shown, 29.3),
        plan_request(firm, "Pedalpost Couriers", 26.2, "business", approved=True),
        plan_request(firm, "Runclub", 27.1, "enterprise", approved=False),
        plan_request(firm, "Hikers Hub", 28.8, "growth"),
        plan_request(firm, shown, 29.2, "enterprise"),
    ]


def _owner_of(name: str) -> tuple[Customer, User, Actor]:
    customer = Customer.objects.get(name=name)
    user = customer.memberships.order_by("id")[0].user
    return customer, user, actor_of_user(user)


def invitation(firm: Firm, name: str, day: float, email: str) -> Story:
    """Not accepted so far."""
    yield firm.day(day)
    customer, _, actor = _owner_of(name)
    invite(actor, customer.pk, email=email, role="developer")


def script_access(firm: Firm, name: str, day: float) -> Story:
    yield firm.day(day)
    customer, user, actor = _owner_of(name)
    scopes = ["keys:read", "keys:write"]
    create_access_token(actor, owner=user, scopes=scopes, customer=customer, name="deploy script")


def plan_request(firm: Firm, name: str, day: float, plan: str, *, approved: bool | None = None) -> Story:
    """Answered by support within a day, or still waiting."""
    yield firm.day(day)
    customer, user, actor = _owner_of(name)
    note = "We go live in more ports next month." if approved is None else ""
    request = ask_for_plan(actor, customer.pk, plan=plan, asked_by=user, note=note)
    if approved is None:
        return
    yield firm.soon(60 * 3, 60 * 20)
    if approved:
        approve_plan_request(firm.as_support(), request.pk, answer="It counts from today. Have fun.")
    else:
        why = "Enterprise begins at 50 keys. Growth has room for you."
        decline_plan_request(firm.as_support(), request.pk, answer=why)


def ending_key(firm: Firm, name: str, day: float) -> Story:
    """Ends some days after the month, and nobody has replaced it."""
    yield firm.day(day)
    yield from _issued_key(firm, name, "fleet tracker", timedelta(days=20))


def replaced_key(firm: Firm, name: str, day: float) -> Story:
    """Replaced on the last day, so that both keys work as the month ends."""
    yield firm.day(day - 11)
    key_id = yield from _issued_key(firm, name, "berth planner", None)
    yield firm.day(day)
    _, _, actor = _owner_of(name)
    operation = rotate_key(actor, key_id, overlap=timedelta(hours=36))
    run_inline(operation)
    yield firm.soon(2, 10)
    assert operation.key_id is not None
    reveal_key(actor, operation.key_id)


def _issued_key(
    firm: Firm, name: str, key_name: str, life: timedelta | None
) -> Generator[datetime, None, int]:
    customer, user, actor = _owner_of(name)
    operation = request_key(actor, customer.pk, user=user, name=key_name, expires_in=life)
    run_inline(operation)
    yield firm.soon(2, 20)
    assert operation.key_id is not None
    reveal_key(actor, operation.key_id)
    return operation.key_id
