"""Bodies, read strictly: one JSON document without duplicate members, or a form."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, FormParser

from portal.core.problems import LARGEST_BODY


class StrictJSONParser(BaseParser):
    """RFC 8259 as it is meant: UTF-8, finite numbers, each member once, no lone surrogates."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            text = stream.read(LARGEST_BODY + 1).decode("utf-8")
            document = json.loads(
                text, object_pairs_hook=_members_once, parse_constant=_no_constant, parse_float=_finite
            )
            json.dumps(document, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError) as exc:
            raise ParseError("The body is no valid JSON. Nothing was changed.") from exc
        return document


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("duplicate member")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


class StrictFormParser(FormParser):
    """``application/x-www-form-urlencoded``, as RFC 7662 and RFC 7009 ask for."""


class JSONOnly(BaseContentNegotiation):
    """Answers are JSON whatever ``Accept`` says; that is friendlier than a 406."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        essence = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == essence), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
