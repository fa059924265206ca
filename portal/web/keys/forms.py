"""What people fill in about keys."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.plugins import plugin_named
from portal.models import IssuedKey, Plan
from portal.services.keys.request import lifetime_within, scope_choices
from portal.services.keys.rotate import DEFAULT_OVERLAP
from portal.services.plans import plan_plugins
from portal.web.forms import ConfirmedByTyping, OnceForm, as_shown, offer_choices
from portal.web.keys.words import kind_words
from portal.web.words import exact_span
from tokens.durations import format_duration, parse_duration

_LIFETIMES = tuple(timedelta(days=days) for days in (1, 7, 30, 90, 180, 365))
USUAL = "usual"
"""The lifetime that the plugin and the plan give when nobody asks for another."""
_OVERLAPS = (timedelta(hours=1), timedelta(hours=24), timedelta(days=7), timedelta(days=30))


class NewKeyForm(OnceForm):
    """A key within the customer's plan; what the plan leaves no choice in is not asked."""

    customer = forms.CharField(max_length=64, widget=forms.HiddenInput)
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy(
            "Where it will be used, so that you recognise it later: “production”, “Ada's laptop”."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    plugin = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    expires_in = forms.ChoiceField(
        label=gettext_lazy("Lifetime"),
        help_text=gettext_lazy("After that it stops working. Rotate it before."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slugs = plan_plugins(plan)
        if len(slugs) > 1:
            offer_choices(self, "plugin", [(slug, kind_words(slug)) for slug in slugs])
        else:
            del self.fields["plugin"]
        offer_choices(self, "expires_in", _lifetimes(plan, slugs))
        self._scopes = scope_choices(plan)
        if self._scopes:
            offer_choices(self, "scopes", [(scope, scope) for scope in self._scopes])
            self.fields["scopes"].initial = self._scopes
        else:
            del self.fields["scopes"]

    def wanted(self) -> dict[str, Any]:
        """The valid form as arguments of ``request_key``."""
        values = self.cleaned_data
        lifetime, scopes = values["expires_in"], values.get("scopes")
        return {
            "name": values["name"],
            "plugin": values.get("plugin") or None,
            "expires_in": None if lifetime == USUAL else parse_duration(lifetime),
            # All is all that the chosen kind has: the kinds may differ.
            "scopes": None if scopes == self._scopes else scopes,
        }


class RotateForm(OnceForm):
    overlap = forms.ChoiceField(
        label=gettext_lazy("Keep the present key working for"),
        choices=lambda: [
            ("0", _("No longer: it stops at once")),
            *((format_duration(s), exact_span(s)) for s in _OVERLAPS),
        ],
        initial=format_duration(DEFAULT_OVERLAP),
        help_text=gettext_lazy("Time to put the new key everywhere the present one is in use."),
    )

    def wanted(self) -> timedelta:
        chosen = self.cleaned_data["overlap"]
        return timedelta(0) if chosen == "0" else parse_duration(chosen)


class RevokeForm(ConfirmedByTyping):
    """Asks for the key's name: one that was meant to be revoked is known by it."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Kept with the key, for whoever wonders later."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, key: IssuedKey, **kwargs: Any) -> None:
        super().__init__(*args, name=as_shown(key.name) or key.public_id, **kwargs)


def like_key(key: IssuedKey) -> dict[str, Any]:
    """What to begin a form with for another key like that one."""
    like: dict[str, Any] = {"name": key.name, "plugin": key.plugin, "scopes": key.scopes}
    return {**like, "expires_in": format_duration(key.lifetime)} if key.lifetime else like


def _lifetimes(plan: Plan, slugs: Sequence[str]) -> list[tuple[str, str]]:
    longest = plan.longest_life
    usual = {lifetime_within(plan, plugin_named(slug), None) for slug in slugs}
    spans = {span for span in _LIFETIMES if longest is None or span <= longest}
    if longest is not None:
        spans.add(longest)
    words = _("The usual one")
    if len(usual) == 1:
        only = usual.pop()
        words = _("%(span)s (usual)") % {"span": exact_span(only)} if only else _("Until it is revoked")
        spans.discard(only)
    return [(USUAL, words), *((format_duration(span), exact_span(span)) for span in sorted(spans))]
