"""The keys that a person knows, as a page lists them, and rotating those that were chosen there."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.core.clock import now
from portal.core.errors import PortalError
from portal.jobs.run import run_inline
from portal.models import Customer, IssuedKey, Operation, User
from portal.services.keys.known import keys_known_to
from portal.services.keys.rotate import NEVER_LIVED, rotate_key
from portal.web.keys.words import masked, status_of_key
from portal.web.once import once
from portal.web.paging import position_of
from portal.web.team.lookup import as_public_id
from portal.web.visits import Visit
from portal.web.words import from_now

PAGE = 50
"""So many keys are listed, and rotated, at once."""


@dataclass(frozen=True)
class KnownKeys:
    rows: list[dict[str, Any]]
    total: int
    older: str
    """The public id of the last key listed when there are more; else empty."""

    @property
    def any_rotatable(self) -> bool:
        return any(row["rotatable"] for row in self.rows)


def known_keys(customer: Customer, person: User, *, before: str = "") -> KnownKeys:
    """A page of them, newest first; ``before`` is where the page before ended."""
    known = keys_known_to(customer, person)
    found = known
    if before:
        found = known.filter(pk__lt=position_of(IssuedKey.objects.filter(customer=customer), before))
    page = list(found.order_by("-id")[: PAGE + 1])
    successors = IssuedKey.objects.filter(rotated_from__in=page[:PAGE])
    replaced = set(
        successors.exclude(activated_at=None, status__in=NEVER_LIVED).values_list(
            "rotated_from_id", flat=True
        )
    )
    replacing = [key.rotated_from_id for key in page[:PAGE] if key.rotated_from_id]
    predecessors = set(
        IssuedKey.objects.filter(pk__in=replacing, status=IssuedKey.Status.ACTIVE)
        .exclude(retires_at__lte=now())
        .values_list("pk", flat=True)
    )
    rows = [
        {
            "key": key,
            "masked": masked(key),
            "status": status_of_key(key),
            "replaced": key.pk in replaced,
            "ends": from_now(key.retires_at) if key.retires_at else "",
            "predecessor_works": key.rotated_from_id in predecessors,
            "rotatable": key.is_usable and key.pk not in replaced and key.rotated_from_id not in predecessors,
        }
        for key in page[:PAGE]
    ]
    return KnownKeys(rows, known.count(), page[PAGE - 1].public_id if len(page) > PAGE else "")


def chosen_keys(request: HttpRequest) -> list[str]:
    """The public ids of the keys that were ticked."""
    ticked = (as_public_id(text) for text in request.POST.getlist("key")[:PAGE])
    return [public_id for public_id in dict.fromkeys(ticked) if public_id]


@dataclass
class Report:
    """What became of the keys that were to be rotated."""

    rotated: int = 0
    refused: list[str] = field(default_factory=list)

    def words(self) -> str:
        rotated = ngettext("%(number)d key rotated", "%(number)d keys rotated", self.rotated)
        said = rotated % {"number": self.rotated}
        if not self.refused:
            return _("%(rotated)s. Reveal the new secret on the page of each new key within 7 days.") % {
                "rotated": said
            }
        refused = ngettext("%(number)d refused", "%(number)d refused", len(self.refused))
        return _("%(rotated)s, %(refused)s: %(reasons)s") % {
            "rotated": said,
            "refused": refused % {"number": len(self.refused)},
            "reasons": " · ".join(self.refused),
        }


def rotate_chosen(visit: Visit, public_ids: list[str], *, overlap: timedelta, token: str) -> Report:
    """Rotate the customer's keys of these ids, each in a transaction of its own, each once a form.

    Keys whose user is no member any more go to the visitor. Keys of a local plugin are replaced when
    this returns; the others' successors are left to a worker.
    """
    report = Report()
    keys = IssuedKey.objects.filter(customer=visit.customer, public_id__in=public_ids)
    for key in keys.order_by("-id"):
        try:
            _rotate(visit, key, overlap, token)
            report.rotated += 1
        except PortalError as exc:
            report.refused.append(_("%(key)s: %(why)s") % {"key": key.name, "why": exc.detail})
    return report


def _rotate(visit: Visit, key: IssuedKey, overlap: timedelta, token: str) -> None:
    begun: list[Operation] = []

    def change() -> str:
        begun.append(rotate_key(visit.actor, key.pk, overlap=overlap, heir=visit.user))
        return key.public_id

    once(visit.actor, f"/keys/{key.public_id}/rotate", token, {"overlap": overlap}, change)
    for operation in begun:
        run_inline(operation)


def tell(request: HttpRequest, report: Report) -> None:
    if report.refused:
        messages.warning(request, report.words())
    elif report.rotated:
        messages.success(request, report.words())
