"""What the dashboard says in numbers, in few queries that read no more rows than they need."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Subquery

from portal.core.clock import now
from portal.models import Customer, Invitation, IssuedKey, Membership, PlanRequest
from portal.models.issued_key import IssuedKeyQuerySet
from portal.web.counts import COUNTED, CountOf
from portal.web.keys.tally import in_use_of
from portal.web.keys.words import FILTERS
from portal.web.visits import Visit

NEWEST = 100
"""So many keys tell whether a customer has begun to use the portal."""
NEWS_FOR = timedelta(days=7)
SOON = timedelta(hours=48)


@dataclass(frozen=True)
class Facts:
    """Counts are exact up to ``COUNTED``, ``in_use`` up to the plan's limit, and one more beyond."""

    by_status: dict[str, int]
    in_use: int
    revealed_at: datetime | None
    """When the first of the newest keys was revealed."""
    is_used: bool
    has_colleagues: bool
    invitations_ending: int
    answer: dict[str, Any] = field(default_factory=dict)
    """Of a request for a plan that was decided lately: plan, status, answer."""

    @property
    def keys(self) -> int:
        return sum(self.by_status.values())


def keys_of(visit: Visit) -> IssuedKeyQuerySet:
    """The customer's keys as far as the visitor sees any, in no order."""
    visible = IssuedKey.objects.visible_to(visit.actor, "keys:read")
    return visible.filter(customer=visit.customer).order_by()


def facts_of(visit: Visit, max_keys: int | None) -> Facts:
    """One query. Each count walks an index and stops at its limit."""
    keys = keys_of(visit)
    begun = keys.filter(pk__in=Subquery(keys.order_by("-id").values("pk")[:NEWEST]))
    invitations = Invitation.objects.filter(customer=visit.customer).order_by()
    others = Membership.objects.filter(customer=visit.customer).exclude(user=visit.user)
    ending = invitations.open().filter(expires_at__lte=now() + SOON)
    answered = PlanRequest.objects.filter(
        customer=visit.customer, status__in=("approved", "declined"), decided_at__gte=now() - NEWS_FOR
    ).order_by("-id")
    columns: dict[str, Any] = {
        "in_use": in_use_of(keys, max_keys or COUNTED),
        "first_reveal": Subquery(
            begun.exclude(revealed_at=None).order_by("revealed_at").values("revealed_at")[:1]
        ),
        "is_used": Exists(begun.exclude(last_used_at=None)),
        "has_colleagues": Exists(others) | Exists(invitations),
        "invitations_ending": CountOf(ending.values("pk")[: COUNTED + 1]),
        "answer_plan": Subquery(answered.values("plan__name")[:1]),
        "answer_status": Subquery(answered.values("status")[:1]),
        "answer_text": Subquery(answered.values("answer")[:1]),
    }
    for status in FILTERS:
        columns[f"keys_{status}"] = CountOf(keys.in_status(status).values("pk")[: COUNTED + 1])
    row: dict[str, Any] = Customer.objects.filter(pk=visit.customer.pk).values(**columns).get()  # type: ignore[assignment]  # its names are not literals
    return Facts(
        by_status={status: row[f"keys_{status}"] for status in FILTERS},
        in_use=row["in_use"],
        revealed_at=row["first_reveal"],
        is_used=row["is_used"],
        has_colleagues=row["has_colleagues"],
        invitations_ending=row["invitations_ending"],
        answer={
            "plan": row["answer_plan"], "status": row["answer_status"], "text": row["answer_text"],
        } if row["answer_plan"] else {},
    )  # fmt: skip
