"""Audit entries, ready to show."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.admin.show import describe
from portal.models import AuditEvent, User


@dataclass(frozen=True)
class Entry:
    at: datetime
    who: str
    action: str
    subject: str
    detail: str
    event: AuditEvent


def shown(events: Iterable[AuditEvent]) -> list[Entry]:
    """The entries with their actors' names; one query for all names."""
    found = list(events)
    people = {event.actor.removeprefix("user ") for event in found if event.actor.startswith("user ")}
    names = (
        {user.public_id: describe(user) for user in User.objects.filter(public_id__in=people)}
        if people
        else {}
    )
    return [
        Entry(
            event.at, actor_name(event.actor, names), event.action, event.object, detail(event.detail), event
        )
        for event in found
    ]


def actor_name(identity: str, names: dict[str, str]) -> str:
    """``user usr_…`` by name, ``token tok_…`` as it is, the portal itself as such."""
    kind, _, public_id = identity.partition(" ")
    if kind == "system":
        return "The portal"
    return names.get(public_id, identity)


def detail(values: dict[str, Any]) -> str:
    """``fields: name, email; status: active``."""
    return "; ".join(f"{name.replace('_', ' ')}: {_text(value)}" for name, value in values.items())


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return (
        {True: "yes", False: "no", None: "none"}.get(value, str(value))
        if not isinstance(value, dict)
        else str(value)
    )
