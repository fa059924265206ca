"""Audit entries, ready to show, with links to the people and objects they name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.admin.mentioned import Mentioned, phone_tokens
from portal.admin.show import NOTHING
from portal.models import AuditEvent
from portal.services.audit import Action

if TYPE_CHECKING:
    from portal.admin.base import PortalModelAdmin

MOST = 200
LISTED = 8
"""So much of a list stands in a row."""


@dataclass(frozen=True)
class Entry:
    at: datetime
    who: SafeString | str
    action: str
    subject: SafeString | str
    detail: str
    event: AuditEvent


def shown(events: Iterable[AuditEvent]) -> list[Entry]:
    """The entries with their actors' names; one query for each kind of object they name."""
    found = list(events)
    mentioned = Mentioned.by(found)
    return [
        Entry(
            event.at, mentioned.actor(event.actor), event.action, mentioned.object(event.object),
            detail(event.detail), event,
        )
        for event in found
    ]  # fmt: skip


def history_page(model_admin: "PortalModelAdmin", request: HttpRequest, found: Any) -> HttpResponse:
    """The audit entries about one object, newest first."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "History",
        "subtitle": model_admin.name_of(found),
        "opts": model_admin.opts,
        "original": found,
        "name": model_admin.name_of(found),
        "entries": shown(model_admin.events_about(found)),
        "most": MOST,
        "note": model_admin.history_note,
    }
    return TemplateResponse(request, model_admin.object_history_template or "", context)


def detail(values: dict[str, Any]) -> str:
    """``fields: name, email; status: active``; of a long list the beginning."""
    return "; ".join(
        f"{name.replace('_', ' ')}: {_text(value, most=LISTED)}" for name, value in values.items()
    )


def facts(event: AuditEvent) -> SafeString | str:
    """The same in full, one line each, for an entry's own page; records with links to them."""
    texts = {name: _text(value) for name, value in event.detail.items()}
    if event.action == Action.PHONE_NUMBERS_SHOWN:
        texts["records"] = phone_tokens(event.detail["records"])
    pairs = ((name.replace("_", " ").capitalize(), text) for name, text in texts.items())
    lines = format_html_join("", "<li>{}: {}</li>", pairs)
    return format_html('<ul class="plain">{}</ul>', lines) if texts else NOTHING


def _text(value: Any, most: int | None = None) -> str:
    if isinstance(value, list):
        left = len(value) - len(value[:most])
        return (", ".join(map(str, value[:most])) or "none") + (f" and {left:,} more" if left else "")
    if value is None:
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
