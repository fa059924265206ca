"""What of the activity is shown: a kind of thing, a person, days."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from portal.models import AuditEvent, Customer, ManagementToken, Membership
from portal.web.actions import KINDS, actions_of
from portal.web.forms import offer_choices
from portal.web.preferences import start_of_day

MOST_PEOPLE = 200
PORTAL = "portal"


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class DayField(forms.DateField):
    """A day that has a beginning in every time zone."""

    widget = DayInput

    def __init__(self, **options: Any) -> None:
        bounds = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2200, 1, 1))]
        super().__init__(required=False, validators=bounds, **options)


class ActivityFilter(forms.Form):
    kind = forms.ChoiceField(label=_("About"), required=False)
    who = forms.ChoiceField(label=_("Done by"), required=False)
    since = DayField(label=_("From"))
    until = DayField(label=_("To"))

    def __init__(self, query: Any, customer: Customer) -> None:
        super().__init__(query)
        kinds = ((kind, name) for kind, (name, _nouns) in KINDS.items())
        offer_choices(self, "kind", [("", _("Everything")), *kinds])
        offer_choices(self, "who", [("", _("Anybody")), *_people(customer), (PORTAL, _("The portal"))])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and until < since:
            self.add_error("until", _("This is before the first day."))
        return values

    def used(self) -> dict[str, str]:
        """The filters that narrow the list, as a link carries them."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}

    def narrow(self, events: "QuerySet[AuditEvent]") -> "QuerySet[AuditEvent]":
        """Of the customer's entries those asked for; none when the filter makes no sense."""
        if not self.is_valid():
            return events.none()
        values = self.cleaned_data
        if values["kind"]:
            events = events.filter(action__in=actions_of(values["kind"]))
        if values["who"]:
            events = events.filter(actor=_identity(values["who"]))
        if values["since"]:
            events = events.filter(at__gte=start_of_day(values["since"]))
        if values["until"]:
            events = events.filter(at__lt=start_of_day(values["until"] + timedelta(days=1)))
        return events


def _people(customer: Customer) -> Iterator[tuple[str, str]]:
    """The customer's members and access tokens; the last so many of each."""
    members = Membership.objects.filter(customer=customer).select_related("user").order_by("-id")
    for member in sorted(members[:MOST_PEOPLE], key=lambda member: str(member.user.name).casefold()):
        yield member.user.public_id, member.user.name or member.user.email
    tokens = ManagementToken.objects.filter(customer=customer).order_by("-id")
    for token in tokens[:MOST_PEOPLE]:
        yield token.public_id, str(_("Access token %s")) % (token.name or token.public_id)


def _identity(who: str) -> str:
    """The actor as audit entries name it."""
    if who == PORTAL:
        return "system portal"
    return f"{'token' if who.startswith('tok_') else 'user'} {who}"
