"""What people fill in about keys."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms

from portal.core.plugins import plugin_named
from portal.models import Plan
from portal.services.keys.request import lifetime_within, scope_choices
from portal.services.keys.rotate import DEFAULT_OVERLAP
from portal.services.plans import plan_plugins
from portal.web.words import exact_span
from tokens.durations import format_duration, parse_duration

_LIFETIMES = tuple(timedelta(days=days) for days in (1, 7, 30, 90, 180, 365))
USUAL = "usual"
"""The lifetime that the plugin and the plan give when nobody asks for another."""
_OVERLAPS = (timedelta(hours=1), timedelta(hours=24), timedelta(days=7), timedelta(days=30))


class NewKeyForm(forms.Form):
    """A key within the customer's plan; what the plan leaves no choice in is not asked."""

    form_token = forms.CharField(max_length=64, widget=forms.HiddenInput)
    customer = forms.CharField(max_length=64, widget=forms.HiddenInput)
    name = forms.CharField(
        max_length=100,
        help_text="Where it will be used, so that you recognise it later: “production”, “Ada's laptop”.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    plugin = forms.ChoiceField(label="Kind", required=False)
    expires_in = forms.ChoiceField(
        label="Lifetime", help_text="After that it stops working. Rotate it before."
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slugs = plan_plugins(plan)
        if len(slugs) > 1:
            self._choose("plugin", [(slug, slug) for slug in slugs])
        else:
            del self.fields["plugin"]
        self._choose("expires_in", _lifetimes(plan, slugs))
        self._scopes = scope_choices(plan)
        if self._scopes:
            self._choose("scopes", [(scope, scope) for scope in self._scopes])
            self.fields["scopes"].initial = self._scopes
        else:
            del self.fields["scopes"]

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

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


class RotateForm(forms.Form):
    form_token = forms.CharField(max_length=64, widget=forms.HiddenInput)
    overlap = forms.ChoiceField(
        label="Keep the present key working for",
        choices=[
            ("0", "No longer: it stops at once"),
            *((format_duration(s), exact_span(s)) for s in _OVERLAPS),
        ],
        initial=format_duration(DEFAULT_OVERLAP),
        help_text="Time to put the new key everywhere the present one is in use.",
    )

    def wanted(self) -> timedelta:
        chosen = self.cleaned_data["overlap"]
        return timedelta(0) if chosen == "0" else parse_duration(chosen)


class RevokeForm(forms.Form):
    reason = forms.CharField(
        max_length=200,
        required=False,
        help_text="Kept with the key, for whoever wonders later.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def _lifetimes(plan: Plan, slugs: Sequence[str]) -> list[tuple[str, str]]:
    longest = plan.longest_life
    usual = {lifetime_within(plan, plugin_named(slug), None) for slug in slugs}
    spans = {span for span in _LIFETIMES if longest is None or span <= longest}
    if longest is not None:
        spans.add(longest)
    words = "The usual one"
    if len(usual) == 1:
        only = usual.pop()
        words = f"{exact_span(only)} (usual)" if only else "Until it is revoked"
        spans.discard(only)
    return [(USUAL, words), *((format_duration(span), exact_span(span)) for span in sorted(spans))]
