"""Serializer fields that take exactly the JSON type they name, and no member they don't know."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from provisioning.contract import LONGEST_LIFE
from tokens.durations import parse_duration


class Text(serializers.CharField):
    """A JSON string; numbers are no strings."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Matching(Text):
    """A JSON string of a fixed form, taken as it is."""

    def __init__(self, pattern: str, problem: str, **kwargs: Any) -> None:
        validator = RegexValidator(rf"{pattern}\Z", problem)
        super().__init__(trim_whitespace=False, validators=[validator], **kwargs)


class ExternalId(Matching):
    """1 to 255 visible ASCII characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"^[\x21-\x7e]{1,255}", "must be 1 to 255 visible ASCII characters", **kwargs)


class EmailText(serializers.EmailField):
    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data).lower()


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Number(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class TextList(serializers.ListField):
    child = Text(max_length=100)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)


def _duration_schema(least: int) -> dict[str, Any]:
    text = "^[1-9][0-9]{0,3}(s|m|h|d|w|y)$" if least else "^(0|0s|[1-9][0-9]{0,3}(s|m|h|d|w|y))$"
    return {
        "oneOf": [
            {"type": "integer", "minimum": least, "maximum": int(LONGEST_LIFE.total_seconds())},
            {"type": "string", "pattern": text},
        ],
        "description": "Seconds, or shorthand: 90s 15m 12h 30d 2w 1y.",
    }


@extend_schema_field(_duration_schema(1))
class Duration(serializers.Field[Any, Any, Any, Any]):
    """Seconds or shorthand (``30d``), as a ``timedelta``; with ``keep`` as it was written."""

    def __init__(self, *, keep: bool = False, **kwargs: Any) -> None:
        self._keep = keep
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int | str):
            raise serializers.ValidationError("must be seconds or a duration such as 30d")
        try:
            span = parse_duration(data)
        except ValueError as exc:
            raise serializers.ValidationError(str(exc)) from exc
        if span > LONGEST_LIFE:
            raise serializers.ValidationError("must be at most 10 years")
        return str(data) if self._keep else span

    def to_representation(self, value: Any) -> Any:
        if not value:
            return None
        return int(value) if str(value).isdecimal() else value


@extend_schema_field(_duration_schema(0))
class DurationOrZero(Duration):
    """A duration that may also be none at all."""

    def to_internal_value(self, data: Any) -> Any:
        if data in ("0", "0s") or (data == 0 and isinstance(data, int) and data is not False):
            return timedelta(0)
        return super().to_internal_value(data)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses bodies that are no object and members it doesn't know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = set(data) - {name for name, field in self.fields.items() if not field.read_only}
            if unknown:
                raise serializers.ValidationError(
                    {str(name)[:100]: ["This member is not known."] for name in sorted(unknown)[:20]}
                )
        return super().to_internal_value(data)


AnyObject = extend_schema_field(OpenApiTypes.OBJECT)(serializers.DictField)
