"""What all views of the API share: the actor, strict bodies, filters, lists."""

import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portal.core.actor import Actor
from portal.core.errors import Invalid, NotFound

_FILTER = re.compile(r"[\x21-\x7e]{1,255}")


class PortalView(GenericAPIView[Any]):
    """``scopes`` names the scope a method needs; ``filters`` the query parameters of its list."""

    scopes: ClassVar[Mapping[str, str]] = {}
    filters: ClassVar[tuple[str, ...]] = ()

    @property
    def actor(self) -> Actor:
        actor: Actor = self.request.auth  # type: ignore[assignment]  # what our authentication returns
        return actor

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """The methods, in ``Allow``."""
        return Response(status=204)

    def body(
        self, request: Request, serializer: type[serializers.Serializer[Any]], *, partial: bool = False
    ) -> Any:
        """The body's members as the serializer takes them; raises for anything else."""
        given = serializer(data=request.data, partial=partial)
        given.is_valid(raise_exception=True)
        return given.validated_data

    def wanted(self, request: Request) -> dict[str, str]:
        """The list's filters as asked for; raises ``Invalid`` for one it doesn't have."""
        wanted = {}
        for name, value in request.query_params.dict().items():
            if name in ("limit", "cursor"):
                continue
            if name not in self.filters:
                known = ", ".join(("limit", "cursor", *self.filters))
                raise Invalid(
                    "invalid", f"Unknown query parameter. Known here: {known}.", errors={"query": ["unknown"]}
                )
            wanted[name] = self.read_filter(name, value)
        return wanted

    def read_filter(self, name: str, value: str) -> str:
        """What is asked for by a filter's value; raises ``Invalid``."""
        if not _FILTER.fullmatch(value):
            raise Invalid.field(name, "must be 1 to 255 visible ASCII characters")
        return value

    def listed(self, rows: QuerySet[Any], serializer: type[serializers.Serializer[Any]]) -> Response:
        """One page of rows, rendered."""
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(serializer(page, many=True).data)


Row = TypeVar("Row", bound=Model)


def one(rows: "QuerySet[Row]", noun: str, **lookup: Any) -> Row:
    """The row that fits; raises ``NotFound`` alike for what is absent and what is somebody else's."""
    found = rows.filter(**lookup).first()
    if found is None:
        raise NotFound(noun)
    return found


def checked_choice(name: str, value: str, allowed: Collection[str]) -> str:
    """A filter's value that must be one of ``allowed``."""
    if value not in allowed:
        raise Invalid.field(name, f"must be one of {', '.join(allowed)}")
    return value
