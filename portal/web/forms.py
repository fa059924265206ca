"""What forms of several pages share."""

from collections.abc import Iterable
from typing import Any

from django import forms


class OnceForm(forms.Form):
    """A form whose change ``once`` makes one time; ``new_form_token`` is its initial token."""

    form_token = forms.CharField(max_length=64, widget=forms.HiddenInput)


def offer_choices(form: forms.Form, name: str, choices: Iterable[Any]) -> None:
    """Let people choose among these in the form's field of that name; they differ from visit to visit."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)
