"""``/introspect`` (RFC 7662), ``/revoke`` (RFC 7009), ``/verify`` for gateways that ask."""

from typing import Any, cast

from django.http import HttpRequest, QueryDict
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.view import PortalView
from portal.core.errors import Malformed
from portal.core.problems import problem
from portal.services.keys.revoke import revoke_key
from portal.services.verification import good_key, issued_key_of

NO_STORE = {"Cache-Control": "no-store"}


class TokenForm(serializers.Serializer[Any]):
    token = serializers.CharField()
    token_type_hint = serializers.CharField(required=False, allow_blank=True)


class Introspection(serializers.Serializer[Any]):
    active = serializers.BooleanField()
    key_id = serializers.CharField(required=False)


def _token(request: Request) -> str:
    form = request.data  # an empty body is no form
    values = form.getlist("token") if isinstance(form, QueryDict) else []
    if len(values) != 1 or not values[0]:
        raise Malformed("invalid_request", "Send exactly one form member token.")
    return str(values[0])


class Introspect(PortalView):
    scopes = {"POST": "tokens:introspect"}
    parser_classes = [FormParser]

    @extend_schema(
        operation_id="introspect", responses=Introspection,
        request={"application/x-www-form-urlencoded": TokenForm},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Whether a key works now, and its claims. Anything else is exactly `{"active": false}`."""
        found = good_key(_token(request), reach=self.actor.reach("tokens:introspect"))
        if found is None:
            return Response({"active": False}, headers=NO_STORE)
        return Response({**found.claims, "active": True, "key_id": found.key.public_id}, headers=NO_STORE)


class Revoke(PortalView):
    scopes = {"POST": "keys:write"}
    parser_classes = [FormParser]

    @extend_schema(
        operation_id="revoke", request={"application/x-www-form-urlencoded": TokenForm},
        responses={200: OpenApiResponse(description="Revoked, or nothing of yours.")},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Revoke a key by its secret; unknown and foreign ones are no error and no effect."""
        key = issued_key_of(_token(request))
        reach = self.actor.reach("keys:write")
        if key is not None and (reach is None or key.customer_id in reach):
            revoke_key(self.actor, key.pk, reason="RFC 7009 revocation")
        return Response(status=200)


class Verify(PortalView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="verify", auth=[],
        responses={204: OpenApiResponse(description="The key works; the headers say whose it is.")},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """For gateways that ask: the caller's own `Authorization: Bearer <key>`."""
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        found = good_key(text.strip(" ")) if kind.lower() == "bearer" else None
        if found is None:
            body = problem(401, "invalid_token", "The key is missing, unknown, expired or revoked.")
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"', **NO_STORE}
            return Response(body, status=401, headers=headers, content_type="application/problem+json")
        key = found.key
        headers = {
            "X-Org-Id": key.customer.external_id,
            "X-User-Id": key.user.public_id if key.user else "",
            "X-Key-Id": key.public_id,
            "X-Scopes": " ".join(key.scopes),
        }
        return Response(status=204, headers={**headers, **NO_STORE})

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """The same verdict: some gateways pass the method on, and take any 2xx for yes."""
        return self.get(cast(Request, request))
