"""The people and objects that audit entries name by id: looked up together, linked where they still exist."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Self

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.admin.show import code, link
from portal.models import (
    AuditEvent,
    Customer,
    IssuedKey,
    ManagementToken,
    Operation,
    PhoneToken,
    Plan,
    PlanRequest,
    SigningKey,
    Subscription,
    User,
)  # fmt: skip

_KINDS: dict[str, Any] = {
    "usr": User, "cus": Customer, "key": IssuedKey, "op": Operation, "sub": Subscription,
    "tok": ManagementToken, "req": PlanRequest,
}  # fmt: skip
_NAMED = {User: ("public_id", "name", "email"), Customer: ("public_id", "name", "deleted_at")}
"""Shown by name; all others by their ids, which people compare."""


class Mentioned:
    """One query for each kind of object among the ids."""

    def __init__(self, ids: Iterable[str]) -> None:
        wanted: dict[str, set[str]] = defaultdict(set)
        for name in ids:
            wanted[name.partition("_")[0]].add(name)
        self._found: dict[str, Any] = {}
        for prefix, names in wanted.items():
            if prefix in _KINDS:
                kind = _KINDS[prefix]
                rows = kind._default_manager.filter(public_id__in=names)
                self._found |= {row.public_id: row for row in rows.only(*_NAMED.get(kind, ["public_id"]))}
        plans = {name.removeprefix("plan_") for name in wanted.pop("plan", ())}
        if plans:
            rows = Plan.objects.filter(slug__in=plans).only("slug")
            self._found |= {f"plan_{row.slug}": row for row in rows}
        others = set().union(*(names for prefix, names in wanted.items() if prefix not in _KINDS))
        if others:  # key ids (kid) have no prefix of ours
            rows = SigningKey.objects.filter(kid__in=others).only("kid")
            self._found |= {row.kid: row for row in rows}

    @classmethod
    def by(cls, events: Iterable[AuditEvent]) -> Self:
        """Everything that these entries name."""
        ids: list[str] = []
        for event in events:
            ids += (event.object, event.actor.partition(" ")[2])
        return cls(ids)

    def actor(self, identity: str) -> SafeString | str:
        """``user usr_…`` by name, ``token tok_…`` as a link, the portal itself as such."""
        kind, _, public_id = identity.partition(" ")
        if kind == "system":
            return "The portal"
        return format_html("Token {}", self.object(public_id)) if kind == "token" else self.object(public_id)

    def object(self, public_id: str) -> SafeString | str:
        found = self._found.get(public_id)
        if found is None:
            return code(public_id)
        if isinstance(found, User):
            return link(found, found.name or found.email)
        return link(found) if isinstance(found, Customer) else _id(link(found, public_id))


def _id(text: SafeString | str) -> SafeString:
    return format_html('<span class="id">{}</span>', text)


def phone_tokens(keys: Sequence[int]) -> SafeString:
    """Those records by their primary keys, with links to those that are still kept."""
    kept = PhoneToken.objects.only("pk").in_bulk(keys)
    return format_html_join(
        ", ", "{}", ((link(kept[key], str(key)) if key in kept else code(str(key)),) for key in keys)
    )
