"""``/phone-tokens``: the records of phone tokens, found by transaction or by number."""

from typing import Any

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.token_service import XID
from portal.api.view import PortalView
from portal.core.errors import Invalid
from portal.core.phone_numbers import parse_phone_number
from portal.models import PhoneToken
from portal.services.phone_tokens import show_numbers


class PhoneTokenOut(serializers.Serializer[Any]):
    xid = serializers.CharField()
    phone_number = serializers.CharField(source="e164", help_text="In E.164, however it was written.")
    issued_at = serializers.DateTimeField(help_text="The token's `iat`.")
    expires_at = serializers.DateTimeField(help_text="The token's `exp`.")
    fingerprint = serializers.CharField(help_text="SHA-256 of the token in hex.")


class PhoneTokens(PortalView):
    scopes = {"GET": "tokens:read"}
    filters = ("xid", "phone_number")
    queryset = PhoneToken.objects.all()

    @extend_schema(
        operation_id="phone_tokens_list", responses=PhoneTokenOut(many=True),
        parameters=[
            OpenApiParameter(
                "xid", description="The transaction's id. This or `phone_number` is needed.",
                examples=[OpenApiExample("A transaction", "order-1")],
            ),
            OpenApiParameter(
                "phone_number", description="With or without `+`; a leading space is one.",
                examples=[OpenApiExample("A number", "+15555550123")],
            ),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """The tokens of a transaction or a number, newest first. That their numbers were shown is audited."""
        self.actor.require_everywhere("tokens:read")
        if settings.TOKEN_SERVICE is None:
            raise Http404
        wanted = self.wanted(request)
        if not wanted:
            raise Invalid("invalid", "Say which: give xid or phone_number.", errors={"query": ["missing"]})
        found = PhoneToken.objects.all()
        if "xid" in wanted:
            found = found.filter(xid=wanted["xid"])
        if "phone_number" in wanted:
            number = parse_phone_number(wanted["phone_number"])
            if number is None:
                raise Invalid.field("phone_number", "is no telephone number")
            found = found.of_number(number)
        page = self.paginate_queryset(found) or []
        show_numbers(self.actor, page)
        return self.get_paginated_response(PhoneTokenOut(page, many=True).data)

    def read_filter(self, name: str, value: str) -> str:
        if name == "phone_number" and value.startswith(" "):  # a + that nobody encoded
            value = f"+{value[1:]}"
        value = super().read_filter(name, value)
        if name == "xid" and not XID.fullmatch(value):
            raise Invalid.field(name, "has 1 to 64 letters, digits, points, underscores and hyphens")
        return value
