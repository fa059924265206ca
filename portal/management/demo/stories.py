"""What happens to the demo's customers and signing keys, by the services that doors call."""

from contextlib import suppress

from portal.core.errors import Conflict
from portal.jobs.run import run_inline
from portal.management.demo.companies import OFFERS, SHOWN, Company
from portal.management.demo.firm import DAYS, Firm
from portal.management.demo.key_stories import (
    crashing_key,
    key_life,
    refused_key,
    retried_key,
    waiting_key,
    withdrawn_key,
)  # fmt: skip
from portal.management.demo.timeline import Story
from portal.models import Customer, Plan, Subscription, User
from portal.services.actors import actor_of_user
from portal.services.customers import create_customer, delete_customer, update_customer
from portal.services.keys.expire import expire_keys
from portal.services.keys.unrevealed import revoke_unrevealed
from portal.services.members import add_member, update_member
from portal.services.notices import mark_sent, next_letter
from portal.services.operations.queue import request_provisioning
from portal.services.plans import update_plan
from portal.services.reminders import prepare_reminders
from portal.services.signing_keys.rotate import rotate_signing_key
from portal.services.subscriptions import create_subscription, update_subscription

ROLES = ("owner", "admin", "developer", "developer", "viewer")


def company_story(firm: Firm, company: Company, number: int) -> Story:
    """From the day they come to what becomes of them."""
    yield firm.day(company.day)
    status = "pending" if company.fate == "pending" else "active"
    customer = create_customer(
        firm.billing(), name=company.name, email=f"billing@{company.site}.example",
        external_id=f"{company.site}-{2041 + 7 * number}", status=status,
    )  # fmt: skip
    subscription = None
    if company.plan:
        subscription = create_subscription(
            firm.billing(), customer.pk, plan=Plan.objects.get(slug=company.plan),
            external_id=f"bill-{88_120 + 13 * number}",
            status="trialing" if company.fate in ("trial", "pending") else "active",
        )  # fmt: skip
    people: list[User] = []
    for name, role in zip(company.people.split(", "), ROLES, strict=False):
        yield firm.soon(10, 240)
        people.append(_join(firm, company, customer, people, name, role))
    if company.keys and company.plan and number % 4 == 0:
        yield firm.soon(5, 20)
        run_inline(request_provisioning(firm.as_support(), customer.pk, user=people[0], plugin=None))
    pause = (DAYS - company.day) * 24 * 60 / (company.keys + 0.5)
    for index in range(company.keys):
        yield firm.soon(30, 300) if index == 0 else firm.soon(pause * 0.5, pause * 1.2)
        firm.timeline.begin(key_life(firm, customer, people[index % len(people[:4])], index))
    yield from _fate(firm, company, customer, subscription)


def _join(firm: Firm, company: Company, customer: Customer, people: list[User], name: str, role: str) -> User:
    """The first is added by billing, the others by the first."""
    first, _, rest = name.lower().partition(" ")
    email = f"{first}.{rest.replace(' ', '')}@{company.site}.example"
    actor = actor_of_user(people[0]) if people else firm.billing()
    return add_member(actor, customer.pk, email=email, name=name, role=role).user


def _fate(firm: Firm, company: Company, customer: Customer, subscription: Subscription | None) -> Story:
    """How it stands with them at the month's end."""
    days = {"suspended": 25.2, "closed": 27.4, "cancelled": 26.3, "past_due": 28.1, "deleted": 28.6}
    if company.fate not in days:
        return
    yield firm.day(days[company.fate])
    if company.fate in ("suspended", "closed"):
        update_customer(firm.as_support(), customer.pk, {"status": company.fate})
    elif company.fate == "deleted":
        delete_customer(firm.as_support(), customer.pk)
    elif subscription is not None:
        update_subscription(firm.billing(), subscription.pk, {"status": company.fate})


def people_change_story(firm: Firm, customer_name: str) -> Story:
    """A developer becomes an admin when somebody leaves."""
    yield firm.day(17.3)
    customer = Customer.objects.get(name=customer_name)
    owner = customer.memberships.get(role="owner").user
    developer = customer.memberships.filter(role="developer").order_by("id")[0].user
    update_member(actor_of_user(owner), customer.pk, developer.pk, role="admin")


def plans_story(firm: Firm) -> Story:
    """The Growth plan gets tiles; before, only the larger ones had them."""
    yield firm.day(0.05)
    growth = Plan.objects.get(slug="growth")
    full = list(growth.scopes)
    update_plan(firm.as_support(), growth.pk, {"scopes": [scope for scope in full if scope != "tiles:read"]})
    yield firm.day(6.8)
    update_plan(firm.as_support(), growth.pk, {"scopes": full, "max_keys": OFFERS[0].max_keys})


def signing_key_story(firm: Firm) -> Story:
    """One planned rotation, so that one signing key is retiring; none where the portal ran before, since
    just now: gateways may not know its staged key yet."""
    yield firm.day(15.5)
    with suppress(Conflict):
        rotate_signing_key(actor_of_user(firm.operations))


def nights_story(firm: Firm) -> Story:
    """What a worker does on its schedule."""
    hours = 0
    while True:
        hours += 8
        yield firm.day(hours / 24)
        expire_keys()
        revoke_unrevealed()
        prepare_reminders()
        while (letter := next_letter()) is not None:
            mark_sent(letter)  # nobody is written to: the addresses don't exist


def troubles(firm: Firm) -> list[Story]:
    """What waits for somebody, so that there is something to look at and to do."""
    return [
        refused_key(firm, "Metro Transit Lab", 18.4),
        withdrawn_key(firm, "Kitesail Insurance", 22.7),
        crashing_key(firm, "Gridwise Energy", 28.35),
        crashing_key(firm, "Parcelhop", 29.62),
        retried_key(firm, "Terra Survey Group", 29.97),
        waiting_key(firm, SHOWN, 29.6),
    ]
