"""``/settings``: the person's name, and how pages are written for them."""

from itertools import groupby
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portal.services.profile import update_profile
from portal.web.forms import offer_choices
from portal.web.preferences import ZONES
from portal.web.settings.person import Person, personal_page, show_person

_REGIONS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian",
    "Pacific",
)  # fmt: skip
"""Of the time zone database, what people live in; its other names are older spellings of these."""

AUTOMATIC = "automatic"
"""The choice to have none."""


class ProfileForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("How your colleagues see you. Empty: your e-mail address."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"))
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("Dates and times are shown in it, in e-mails too."),
    )

    def __init__(self, *args: Any, present_zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        automatic = (AUTOMATIC, _("As the browser says"))
        offer_choices(self, "language", [automatic, *settings.LANGUAGES])
        offer_choices(self, "time_zone", [automatic, *_zones(present_zone)])

    def wanted(self) -> dict[str, str]:
        """The valid form as fields of the user, in which nothing chosen is empty."""
        return {name: "" if value == AUTOMATIC else value for name, value in self.cleaned_data.items()}


def _zones(present: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """All time zones by region; the chosen one too, should it be an older name."""
    names = sorted(
        zone for zone in ZONES if zone == present or zone.startswith(tuple(f"{r}/" for r in _REGIONS))
    )
    found = [*(name for name in names if "/" in name), "UTC"]
    found += [present] if present and present not in found else []
    by_region = groupby(found, key=lambda name: name.partition("/")[0] if "/" in name else "UTC")
    return [(region, [(name, _city(name)) for name in zones]) for region, zones in by_region]


def _city(zone: str) -> str:
    return zone.partition("/")[2].replace("_", " ") or zone


@require_http_methods(["GET", "HEAD", "POST"])
@personal_page
def profile(request: HttpRequest, person: Person) -> HttpResponse:
    user = person.user
    present = {
        "name": user.name,
        "language": user.language or AUTOMATIC,
        "time_zone": user.time_zone or AUTOMATIC,
    }
    form = ProfileForm(
        request.POST if request.method == "POST" else None, initial=present, present_zone=user.time_zone
    )
    if form.is_valid():
        wanted = form.wanted()
        update_profile(person.actor, user, wanted)
        language = wanted["language"] or translation.get_language_from_request(request)
        with translation.override(language):  # the next page is written in it already
            messages.success(request, _("Your profile is saved."))
        return redirect("settings")
    status = 422 if request.method == "POST" else 200
    return show_person(request, person, "portal/settings/profile.html", {"form": form}, status=status)
