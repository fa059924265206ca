"""Bodies, read strictly: one JSON object, or a form."""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser

from portal.core.problems import LARGEST_BODY
from tokens.strict_json import parse_object


class StrictJSONParser(BaseParser):
    """A JSON object as RFC 8259 means it: each member once, finite numbers, no lone surrogates."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, object]:
        try:
            return parse_object(stream.read(LARGEST_BODY + 1))
        except ValueError as exc:
            raise ParseError("The body is no valid JSON object. Nothing was changed.") from exc


class JSONOnly(BaseContentNegotiation):
    """Answers are JSON whatever ``Accept`` says; that is friendlier than a 406."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        essence = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == essence), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
