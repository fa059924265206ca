"""In which language and time zone a page is written: the person's own, else the browser's."""

from collections.abc import Callable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from portal.core.problems import PROGRAMS
from portal.models import User

ZONE_COOKIE = "timezone"
"""Set by ``zone.js``; nothing but a name from the time zone database is believed."""
ZONES = available_timezones()
_IN_ENGLISH = (*PROGRAMS, "/branding.css", f"/{settings.ADMIN_PATH}")
"""Machines compare words, a style sheet is everybody's, and staff's pages are written in one language."""


class Preferences:
    """Middleware: activates language and time zone for one request and switches back behind it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(_IN_ENGLISH):
            with translation.override("en"), timezone.override(None):
                return self.get_response(request)
        language, zone = _wanted(request)
        with translation.override(language), timezone.override(zone):
            response = self.get_response(request)
            response.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language"])
        return response


def start_of_day(day: date) -> datetime:
    """When the day begins where the reader is."""
    return datetime.combine(day, time.min, timezone.get_current_timezone())


def _wanted(request: HttpRequest) -> tuple[str, ZoneInfo]:
    language, zone = "", request.COOKIES.get(ZONE_COOKIE, "")
    if isinstance(request.user, User):
        language = request.user.language
        zone = request.user.time_zone or zone
    if language not in dict(settings.LANGUAGES):
        language = translation.get_language_from_request(request)
    return language, ZoneInfo(zone if zone in ZONES else "UTC")
