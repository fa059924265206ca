"""A new customer's first steps, until they are done."""

from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from portal.core.clock import now
from portal.models import Customer
from portal.web.dashboard.facts import NEWEST, Facts
from portal.web.visits import Visit

SHOWN_FOR = timedelta(days=7)
"""Behind a gateway that verifies keys by itself the portal never sees a call: the list goes all the same."""


@dataclass(frozen=True)
class Step:
    words: str
    why: str
    url: str
    done: bool


def first_steps(visit: Visit, facts: Facts) -> list[Step]:
    """Nothing for who can't take them, for customers who began long ago, and once all is done."""
    begun = facts.revealed_at
    if visit.customer.status != Customer.Status.ACTIVE or not visit.may_change_keys:
        return []
    if facts.keys >= NEWEST or (begun and begun < now() - SHOWN_FOR):
        return []
    steps = [
        Step(
            _("Create a key"), _("One for each place where your software runs."),
            reverse("new-key"), facts.keys > 0,
        ),
        Step(
            _("Reveal its secret"), _("It is shown once. Keep it where your software finds it."),
            reverse("keys"), begun is not None,
        ),
        Step(
            _("Call the API"), _("Send the secret along. A gateway that asks us ticks this off."),
            reverse("docs"), facts.is_used,
        ),
    ]  # fmt: skip
    if visit.may_manage:
        why = _("So that keys don't depend on one person.")
        steps.append(Step(_("Invite a colleague"), why, reverse("team"), facts.has_colleagues))
    return [] if all(step.done for step in steps) else steps
