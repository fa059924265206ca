"""What needs somebody's attention, most urgent first, each with its next step."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q, Subquery, Value
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.core.clock import now
from portal.models import IssuedKey
from portal.models.issued_key import IssuedKeyQuerySet
from portal.services.keys.reveal import UNREVEALED_FOR, may_reveal
from portal.services.keys.rotate import NEVER_LIVED
from portal.services.reminders import BEFORE_EXPIRY
from portal.web.dashboard.facts import NEWS_FOR, SOON, Facts, keys_of
from portal.web.visits import Visit
from portal.web.words import from_now

SHOWN = 4
"""Keys of each sort."""
LATEST = 5
WARNED = tuple(BEFORE_EXPIRY.values())
"""A key is worth a warning so long before its end, as by mail, once it has lived twice that long: one
that lives for 30 days would stand here from its first day on."""
_NO_DEADLINE = datetime.max.replace(tzinfo=UTC)


class Urgency(IntEnum):
    SOON = 0
    STOPPED = 1
    LATER = 2
    NEWS = 3


@dataclass(frozen=True)
class Item:
    """``tone`` is a badge's; ``by`` the deadline, if there is one."""

    urgency: Urgency
    tone: str
    label: str
    words: str
    step: str
    url: str
    by: datetime | None = None


@dataclass(frozen=True)
class Noticed:
    """The keys that something is to be said of, by reason; ``latest`` for who may not read the log."""

    keys: dict[str, list[IssuedKey]]

    @property
    def latest(self) -> list[IssuedKey]:
        return sorted(self.keys.get("latest", []), key=lambda key: -key.pk)


def noticed_keys(visit: Visit) -> Noticed:
    """One query: a few keys of each sort, each found by an index."""
    found: dict[str, list[IssuedKey]] = {}
    first, *others = _sorts(visit)
    keys: Any = first.union(*others, all=True)  # with ``reason``, which the model has not
    for key in keys:
        found.setdefault(key.reason, []).append(key)
    return Noticed(found)


def _sorts(visit: Visit) -> Iterator[IssuedKeyQuerySet]:
    keys = keys_of(visit)
    working = keys.filter(status=IssuedKey.Status.ACTIVE)
    successors = IssuedKey.objects.filter(rotated_from=OuterRef("pk"))
    living = successors.exclude(activated_at=None, status__in=NEVER_LIVED)
    ends = Q()
    for span in WARNED:
        ends |= Q(expires_at__lte=now() + span, activated_at__lte=now() - 2 * span)
    ending = working.filter(ends, retires_at=None, expires_at__gt=now(), expires_at__lte=now() + WARNED[0])
    yield _some(ending.exclude(Exists(living)), "ending", "expires_at")
    yield _some(
        working.exclude(sealed_secret="").filter(activated_at__gt=now() - UNREVEALED_FOR, retires_at=None),
        "unrevealed",
        "activated_at",
    )
    overlaps = working.filter(retires_at__gt=now(), retires_at__lte=now() + SOON)
    yield _some(overlaps, "replaced", "retires_at")
    yield _some(keys.filter(status=IssuedKey.Status.NEEDS_ATTENTION), "stopped", "-id")
    yield _some(keys.filter(status=IssuedKey.Status.FAILED, created_at__gt=now() - NEWS_FOR), "failed", "-id")
    if not visit.may_read_activity:
        yield _some(keys, "latest", "-id", LATEST)


def _some(keys: IssuedKeyQuerySet, reason: str, order: str, most: int = SHOWN) -> IssuedKeyQuerySet:
    """In a subquery, for SQLite takes no ``LIMIT`` within a union."""
    few = Subquery(keys.order_by(order).values("pk")[:most])
    rows = IssuedKey.objects.filter(pk__in=few).order_by()
    return rows.annotate(reason=Value(reason, output_field=CharField())).only(
        "public_id", "name", "status", "expires_at", "retires_at", "activated_at", "created_at", "user_id",
        "customer_id", "created_by",
    )  # fmt: skip


def items_of(visit: Visit, facts: Facts, noticed: Noticed) -> list[Item]:
    items = [
        *(_of_key(visit, key, reason) for reason, keys in noticed.keys.items() if reason != "latest"
          for key in keys),
        *_of_customer(visit, facts),
    ]  # fmt: skip
    return sorted(items, key=lambda item: (item.urgency, item.by or _NO_DEADLINE))


def _of_key(visit: Visit, key: IssuedKey, reason: str) -> Item:
    url, name = reverse("key", args=[key.public_id]), {"name": key.name}
    look = _("Look at the key")
    match reason:
        case "ending":
            assert key.expires_at is not None
            step, to = look, url
            if visit.may_change_keys and key.user_id is not None:
                step, to = _("Rotate it"), reverse("rotate-key", args=[key.public_id])
            words = _("“%(name)s” expires %(when)s, and no newer key replaces it.")
            words %= {**name, "when": from_now(key.expires_at)}
            return _by(key.expires_at, _("Expires"), words, step, to)
        case "unrevealed":
            assert key.activated_at is not None
            erased_at = key.activated_at + UNREVEALED_FOR
            may = visit.may_change_keys and may_reveal(visit.actor, key)
            words = _("Nobody has revealed the secret of “%(name)s”. It is erased %(when)s.")
            words %= {**name, "when": from_now(erased_at)}
            return _by(erased_at, _("Secret waits"), words, _("Reveal it") if may else look, url)
        case "replaced":
            assert key.retires_at is not None
            words = _("The replaced key “%(name)s” stops working %(when)s.")
            words %= {**name, "when": from_now(key.retires_at)}
            return _by(key.retires_at, _("Overlap ends"), words, _("See whether it is still used"), url)
        case "stopped":
            words = _("The creation of “%(name)s” stopped.") % name
            return Item(Urgency.STOPPED, "warn", _("Stopped"), words, _("See why"), url)
    words = _("“%(name)s” could not be created.") % name
    return Item(Urgency.STOPPED, "bad", _("Failed"), words, _("See why"), url)


def _by(deadline: datetime, label: str, words: str, step: str, url: str) -> Item:
    soon = deadline <= now() + SOON
    urgency, tone = (Urgency.SOON, "bad") if soon else (Urgency.LATER, "warn")
    return Item(urgency, tone, label, words, step, url, deadline)


def _of_customer(visit: Visit, facts: Facts) -> Iterator[Item]:
    if facts.answer:
        plan, reason = {"plan": facts.answer["plan"]}, facts.answer["text"]
        if facts.answer["status"] == "approved":
            tone, words = "good", _("Your request for the plan “%(plan)s” was approved.") % plan
        else:
            tone, words = "warn", _("Your request for the plan “%(plan)s” was declined.") % plan
        url = reverse("plans")
        yield Item(Urgency.NEWS, tone, _("Plan"), f"{words} {reason}".strip(), _("See the plans"), url)
    if visit.may_manage and (number := facts.invitations_ending):
        words = ngettext(
            "%(number)d invitation expires within 48 hours.",
            "%(number)d invitations expire within 48 hours.",
            number,
        ) % {"number": number}
        yield Item(Urgency.NEWS, "warn", _("Invitations"), words, _("Send again"), reverse("team"))
