"""Form fields that Django lacks."""

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from tokens.durations import parse_duration


class DurationText(forms.CharField):
    """``30d``, ``12h`` or seconds; empty is None. With ``zero``, 0 is allowed too."""

    def __init__(self, *, zero: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 32)
        super().__init__(**kwargs)
        self.zero = zero

    def clean(self, value: Any) -> timedelta | None:
        text = super().clean(value)
        if not text:
            return None
        if self.zero and text == "0":
            return timedelta(0)
        try:
            return parse_duration(text)
        except ValueError as exc:
            raise ValidationError(str(exc)) from exc


class Words(forms.CharField):
    """A list of words, edited as text between blanks."""

    def prepare_value(self, value: Any) -> Any:
        return " ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return list(dict.fromkeys(str(value or "").replace(",", " ").split()))

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Each word is judged by the service."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(self.prepare_value(initial)) != self.to_python(data))
