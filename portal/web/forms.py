"""What forms of several pages share."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _


class OnceForm(forms.Form):
    """A form whose change ``once`` makes one time; ``new_form_token`` is its initial token."""

    form_token = forms.CharField(max_length=64, widget=forms.HiddenInput)


class ConfirmedByTyping(forms.Form):
    """A form for what can't be taken back: it asks for the name of what it is about.

    The name is to be typed as pages show it, where a row of blanks is one; blanks around it don't count.
    """

    typed_name = forms.CharField(
        max_length=255,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._name = as_shown(name)
        field = self.fields["typed_name"]
        field.label = _("Type “%(name)s” to confirm") % {"name": self._name}
        field.error_messages["required"] = self._wrong

    @property
    def _wrong(self) -> str:
        return _("Nothing was changed. To confirm, type “%(name)s”, exactly so.") % {"name": self._name}

    def clean_typed_name(self) -> str:
        typed = as_shown(self.cleaned_data["typed_name"])
        if typed != self._name:
            raise forms.ValidationError(self._wrong, code="wrong_name")
        return typed


def as_shown(name: str) -> str:
    """A name as a page shows it, where a row of blanks is one."""
    return " ".join(name.split())


def offer_choices(form: forms.Form, name: str, choices: Iterable[Any]) -> None:
    """Let people choose among these in the form's field of that name; they differ from visit to visit."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)
