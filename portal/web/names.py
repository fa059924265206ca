"""What a customer calls the people and things that are named by id: who did something, and to what."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, NullIf
from django.utils.translation import gettext as _

from portal.models import (
    AuditEvent,
    Customer,
    Invitation,
    IssuedKey,
    ManagementToken,
    PlanRequest,
    Subscription,
    User,
)
from portal.services.audit import Action


@dataclass(frozen=True)
class Names:
    """What a customer may know of those that were asked for."""

    called: Mapping[str, str] = field(default_factory=dict)
    """The names of its own people and things, by public id."""
    former: frozenset[str] = frozenset()
    """Who was a member and is none any more."""
    staff: frozenset[str] = frozenset()
    """People and access tokens of the portal's staff, who are nobody's to name."""


def names_of(customer: Customer, ids: Iterable[str]) -> Names:
    """What the customer calls its people and things, and what the others are to it.

    ``ids`` may be identities of actors, too: ``user usr_…``. One query at most.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for one in ids:
        public_id = one.rpartition(" ")[2]
        wanted[public_id.partition("_")[0]].add(public_id)
    found = [_called(prefix, customer, ids) for prefix, ids in wanted.items() if prefix in _CALLED]
    if wanted["usr"]:
        found += [_former(customer, wanted["usr"]), _staff(User, wanted["usr"], is_staff=True)]
    if wanted["tok"]:
        found.append(_staff(ManagementToken, wanted["tok"], customer=None))
    if not found:
        return Names()
    rows = list(found[0].union(*found[1:], all=True) if len(found) > 1 else found[0])
    return Names(
        {public_id: called for public_id, called, what in rows if what == _OWN},
        frozenset(public_id for public_id, _called, what in rows if what == _FORMER),
        frozenset(public_id for public_id, _called, what in rows if what == _STAFF),
    )


_OWN, _FORMER, _STAFF = "own", "former", "staff"
_NAME_OR_EMAIL = Coalesce(NullIf(F("name"), Value("")), F("email"))
_NAME_OR_ID = Coalesce(NullIf(F("name"), Value("")), F("public_id"))
_CALLED: dict[str, tuple[Any, str, Any]] = {
    "usr": (User, "memberships__customer", _NAME_OR_EMAIL),
    "key": (IssuedKey, "customer", F("name")),
    "tok": (ManagementToken, "customer", _NAME_OR_ID),
    "inv": (Invitation, "customer", F("email")),
    "req": (PlanRequest, "customer", F("plan__name")),
    "sub": (Subscription, "customer", F("plan__name")),
}
"""For each prefix of ids: the model, its way to the customer, and what its rows are called."""
_Rows = QuerySet[Any, tuple[str, str, str]]


def _called(prefix: str, customer: Customer, ids: set[str]) -> _Rows:
    model, owner, name = _CALLED[prefix]
    rows = model._default_manager.filter(**{owner: customer, "public_id__in": sorted(ids)})
    return _rows(rows, "public_id", name, _OWN)


def _former(customer: Customer, ids: set[str]) -> _Rows:
    """By the customer's own log: a membership that has ended leaves no other trace."""
    removals = AuditEvent.objects.filter(
        customer=customer, action=Action.MEMBER_REMOVED, object__in=sorted(ids)
    )
    return _rows(removals, "object", Value(""), _FORMER)


def _staff(model: Any, ids: set[str], **is_staff: Any) -> _Rows:
    rows = model._default_manager.filter(public_id__in=sorted(ids), **is_staff)
    return _rows(rows, "public_id", Value(""), _STAFF)


def _rows(found: "QuerySet[Any]", public_id: str, name: Any, what: str) -> _Rows:
    named = found.order_by().annotate(called=Cast(name, CharField()), what=Value(what))
    return named.values_list(public_id, "called", "what")  # type: ignore[no-any-return]  # annotated columns have no types


def who_is(identity: str, names: Names) -> str:
    """An actor in words, by ``names_of``: members by name; other people are not the customer's to know.

    Who left so long ago that the log of it is gone can't be told from staff who left.
    """
    kind, _space, public_id = identity.partition(" ")
    called, portal = names.called.get(public_id), {"portal": settings.PORTAL_NAME}
    match kind:
        case "user" if called is not None:
            return called
        case "user" if public_id in names.staff:
            return _("%(portal)s staff") % portal
        case "user":
            return _("A former colleague") if public_id in names.former else _("Somebody who has left")
        case "token" if called is not None:
            return _("The access token %(name)s") % {"name": called}
        case "token" if public_id in names.staff:
            return _("An access token of %(portal)s staff") % portal
        case "token":
            return _("A former access token")
    return _("The portal")
