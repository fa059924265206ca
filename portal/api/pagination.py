"""Lists: newest first by primary key, which grows and never repeats (equal timestamps loop)."""

from base64 import b64decode
from typing import Any

from django.conf import settings
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from portal.core.errors import Invalid, Malformed

MOST = 200


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = MOST

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get("limit", str(self.page_size))
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= MOST and len(text) <= 3):
            raise Invalid.field("limit", f"must be a whole number from 1 to {MOST}")
        return int(text)

    def decode_cursor(self, request: Request) -> Any:
        try:
            b64decode(request.query_params.get("cursor", ""), validate=True)
            cursor = super().decode_cursor(request)
        except (NotFound, ValueError) as exc:
            raise _bad_cursor() from exc
        if cursor is not None and not _is_id(cursor.position):
            raise _bad_cursor()
        return cursor

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        page: Any = super().paginate_queryset(queryset, request, view)
        self.base_url = settings.PORTAL_BASE_URL + request.get_full_path()
        return page

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": self.page_size}
        return [
            {"name": "limit", "in": "query", "required": False, "schema": limit},
            {"name": "cursor", "in": "query", "required": False, "schema": {"type": "string"},
             "description": "From `next` or `previous` of an earlier answer."},
        ]  # fmt: skip


def _is_id(position: object) -> bool:
    return position is None or (
        isinstance(position, str) and position.isascii() and position.isdecimal() and len(position) <= 18
    )


def _bad_cursor() -> Malformed:
    return Malformed("invalid_cursor", "The cursor is none of ours. Start without it, and follow next.")
