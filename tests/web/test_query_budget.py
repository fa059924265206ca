"""Every page asks the database few things, however much there is to show."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.core.clock import now
from portal.models import (
    AuditEvent,
    DailyUse,
    Invitation,
    IssuedKey,
    ManagementToken,
    Membership,
    Operation,
    Plan,
    PlanRequest,
    User,
)
from portal.services.actors import actor_of_user
from portal.services.audit import Action, record
from tests.factories import CustomerFactory, MembershipFactory, PlanFactory
from tests.pages import PAGES
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db
BUDGET = 12
FEW, MANY = 3, 60
NARROWED = (
    "/keys?status=active",
    "/keys?search=key",
    "/activity?kind=keys",
    "/activity?who=portal&since=2020-01-01",
)
"""Lists as their filters narrow them."""


def fill(owner: Membership, size: int) -> None:
    """So many of everything that a customer and its owner can have."""
    for number in range(size):
        person = MembershipFactory(customer=owner.customer, role="developer").user
        MembershipFactory(user=owner.user, customer=CustomerFactory(name=f"Other {number}"))
        _fill_team(owner, person, number)
        _fill_plans(owner, person, size)
        for key in _keys_in_every_state(owner, person):
            record(actor_of_user(owner.user), Action.KEY_REVEALED, key.public_id, customer=owner.customer)
            record(actor_of_user(person), Action.KEY_REVOKED, key.public_id, customer=owner.customer)
    PlanRequest.objects.create(
        customer=owner.customer, plan=Plan.objects.latest("pk"), asked_by=owner.user, note="Please"
    )


def _fill_team(owner: Membership, person: User, number: int) -> None:
    customer = owner.customer
    invitation = Invitation.objects.create(
        customer=customer, email=f"new{number}@example.com", invited_by=person,
        expires_at=now() + timedelta(hours=20),
    )  # fmt: skip
    token = ManagementToken.objects.create(
        name=f"Token {number}", owner=owner.user, customer=customer, scopes=["keys:read"],
        digest=f"digest {owner.pk} {number}", last4="abcd", created_by=f"user {person.public_id}",
    )  # fmt: skip
    for action, about in (
        (Action.MEMBER_ADDED, person), (Action.INVITATION_CREATED, invitation),
        (Action.ACCESS_TOKEN_CREATED, token),
    ):  # fmt: skip
        record(actor_of_user(person), action, about.public_id, customer=customer)
    DailyUse.objects.create(customer=customer, day=(now() - timedelta(days=number)).date(), verifications=7)
    UserSession.objects.create(
        user=owner.user, ip="192.0.2.1", session_key=f"session{owner.pk}x{number}", user_agent="Firefox/140.0"
    )


def _fill_plans(owner: Membership, person: User, size: int) -> None:
    plan = PlanFactory(listed=True, scopes=[f"scope:{number}" for number in range(size)])
    for status in ("declined", "approved", "withdrawn"):
        PlanRequest.objects.create(
            customer=owner.customer, plan=plan, asked_by=person, status=status, answer="So be it",
            decided_at=now(),
        )  # fmt: skip


def _keys_in_every_state(owner: Membership, person: User) -> list[IssuedKey]:
    """One of each status for the owner, each with a successor, an operation and a person who knows it."""
    made = []
    for status in IssuedKey.Status.values:
        ended = {"revoked_at": now()} if status == "revoked" else {}
        about = {
            "customer": owner.customer, "plugin": "jwt", "name": f"key {status}", "status": status,
            "created_by": f"user {person.public_id}", "revealed_by": f"user {owner.user.public_id}",
            "activated_at": now() - timedelta(days=6),
            "expires_at": now() + timedelta(days=-1 if status == "expired" else 2), **ended,
        }  # fmt: skip
        number = IssuedKey.objects.count()
        old = IssuedKey.objects.create(user=owner.user, fingerprint=f"a{number}", jti=f"a{number}", **about)
        new = IssuedKey.objects.create(
            user=person, fingerprint=f"b{number}", sealed_secret="sealed", rotated_from=old, **about
        )
        for key in (old, new):
            Operation.objects.create(kind="issue_key", plugin="jwt", customer=owner.customer, key=key)
            made.append(key)
    return made


def counts(owner: Membership, size: int) -> dict[str, int]:
    """How many queries each page took, once what is asked for once a process is known."""
    fill(owner, size)
    browser = sign_in(owner.user)
    key = owner.customer.keys.filter(status="active", successors=None).latest("id")
    scene = {
        "key": key.public_id, "plan": PlanFactory(listed=True).slug,
        "member": owner.customer.memberships.exclude(user=owner.user).latest("pk").user.public_id,
    }  # fmt: skip
    found = {}
    for page in [at for at in PAGES.values() if at.path != "/api/v1/docs"]:
        path, client = page.path.format(**scene), Client() if page.anonymous else browser
        client.get(path)
        found[page.path] = _queries(client, path, page.status)
    for path in NARROWED:
        found[path] = _queries(browser, path, 200)
    return found


def _queries(client: Client, path: str, status: int) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path, follow=path == "/accounts/reauthenticate/")
    assert answer.status_code in (status, 302), path
    return len(asked)


@pytest.mark.parametrize("is_staff", [False, True])
def test_every_page_keeps_to_the_budget_with_few_things_and_many(is_staff: bool) -> None:
    owners = [MembershipFactory(user__is_staff=is_staff, user__is_superuser=is_staff) for _ in (FEW, MANY)]
    few, many = (counts(owner, size) for owner, size in zip(owners, (FEW, MANY), strict=True))
    assert {path: number for path, number in few.items() if number > BUDGET} == {}
    assert {path: number for path, number in many.items() if number > BUDGET} == {}
    assert {path: number for path, number in many.items() if number > few[path]} == {}
    assert AuditEvent.objects.count() > MANY
