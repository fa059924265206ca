"""``/settings/data``: what the portal holds about the person, as a file."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portal.core.clock import now
from portal.services.personal_data import Section, hand_out_personal_data
from portal.web.reauthentication import confirm_sign_in
from portal.web.settings.person import Person, personal_page, show_person

_write = DjangoJSONEncoder(ensure_ascii=False, indent=2).encode


@require_safe
@personal_page
def personal_data(request: HttpRequest, person: Person) -> HttpResponse:
    return show_person(request, person, "portal/settings/data.html", {})


@require_POST
@personal_page
def download(request: HttpRequest, person: Person) -> HttpResponse:
    if not person.actor.recent_sign_in:
        told = _("Confirm that it is you, then press “Download” once more.")
        return confirm_sign_in(request, told, reverse("personal-data"))
    sections = hand_out_personal_data(person.actor, person.user)
    answer = StreamingHttpResponse(_lines(sections), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{person.user.public_id}-{now():%Y-%m-%d}.json"'
    return answer  # type: ignore[return-value]  # what guards the page sets headers alone


def _lines(sections: Iterable[Section]) -> Iterator[str]:
    """One JSON object, a row at a time."""
    yield f'{{\n"portal": {_write(settings.PORTAL_NAME)},\n"made_at": {_write(now())}'
    for name, rows in sections:
        yield f",\n{_write(name)}: ["
        yield from _joined(rows)
        yield "]"
    yield "\n}\n"


def _joined(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"{',' if number else ''}\n{_write(row)}"
