"""What a customer calls the people and things that are named by id: who did something, and to what."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, NullIf
from django.utils.translation import gettext as _

from portal.models import Customer, Invitation, IssuedKey, ManagementToken, PlanRequest, Subscription, User


def names_of(customer: Customer, ids: Iterable[str]) -> dict[str, str]:
    """What the customer calls its people and things, by public id, without what isn't its own.

    ``ids`` may be identities of actors, too: ``user usr_…``. One query at most.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for one in ids:
        public_id = one.rpartition(" ")[2]
        wanted[public_id.partition("_")[0]].add(public_id)
    named = [_called(prefix, customer, ids) for prefix, ids in wanted.items() if prefix in _CALLED]
    if not named:
        return {}
    first, *others = named
    return dict(first.union(*others, all=True) if others else first)


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


def _called(prefix: str, customer: Customer, ids: set[str]) -> "QuerySet[Any, tuple[str, str]]":
    model, owner, name = _CALLED[prefix]
    rows = model._default_manager.filter(**{owner: customer, "public_id__in": sorted(ids)}).order_by()
    return rows.annotate(called=Cast(name, CharField())).values_list("public_id", "called")  # type: ignore[no-any-return]


def who_is(identity: str, names: Mapping[str, str]) -> str:
    """An actor in words, by ``names_of``: members by name; other people are not the customer's to know."""
    kind, _space, public_id = identity.partition(" ")
    if kind == "user":
        return names.get(public_id) or _("A former colleague or %(portal)s staff") % {
            "portal": settings.PORTAL_NAME
        }
    if kind == "token" and public_id in names:
        return _("The access token %(name)s") % {"name": names[public_id]}
    if kind == "token":
        return _("An access token of %(portal)s staff") % {"portal": settings.PORTAL_NAME}
    return _("The portal")
