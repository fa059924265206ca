"""``/access-tokens``: what scripts authenticate with."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.fields import Duration, ExternalId, StrictSerializer, Text
from portal.api.idempotency import answer_once
from portal.api.view import PortalView, one
from portal.core.errors import NotFound
from portal.core.scopes import SCOPES
from portal.models import Customer, ManagementToken, User
from portal.services.access_tokens import create_access_token, revoke_access_token
from portal.services.idempotency import Answer


class TokenOut(serializers.Serializer[ManagementToken]):
    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    customer = serializers.CharField(source="customer.public_id", default=None, allow_null=True)
    scopes = serializers.ListField(child=serializers.CharField())
    last4 = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class TokenCreated(TokenOut):
    token = serializers.CharField(help_text="Shown in this answer alone.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "For a deploy script", request_only=True,
            value={"name": "deploy", "scopes": ["keys:read"], "expires_in": "90d"},
        )
    ]
)  # fmt: skip
class TokenIn(StrictSerializer):
    name = Text(max_length=100, required=False, allow_blank=True)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(list(SCOPES)), min_length=1, max_length=len(SCOPES)
    )
    customer = ExternalId(required=False, help_text="Bind it to one customer.")
    expires_in = Duration(required=False)


class AccessTokens(PortalView):
    scopes = {"GET": "access_tokens:read", "POST": "access_tokens:write"}
    queryset = ManagementToken.objects.all()

    @extend_schema(operation_id="access_tokens_list", responses=TokenOut(many=True))
    def get(self, request: Request) -> Response:
        """Tokens that are not revoked, newest first."""
        self.wanted(request)
        rows = ManagementToken.objects.visible_to(self.actor, "access_tokens:read").select_related("customer")
        return self.listed(rows, TokenOut)

    @extend_schema(operation_id="access_tokens_create", request=TokenIn, responses={201: TokenCreated})
    def post(self, request: Request) -> Response:
        """Create a token; it can grant no more than you have."""
        values = self.body(request, TokenIn)
        customer = self._customer(values.pop("customer", None))
        owner = request.user
        assert isinstance(owner, User)

        def change() -> Answer:
            token, text = create_access_token(self.actor, owner=owner, customer=customer, **values)
            body: dict[str, Any] = {**TokenOut(token).data, "token": text.reveal()}
            return Answer(201, body, {"Cache-Control": "no-store"})

        return answer_once(request, self.actor, change)

    def _customer(self, name: str | None) -> Customer | None:
        """The customer to bind to: the one named, or the only one that the caller reaches."""
        reach = self.actor.reach("access_tokens:write")
        found = Customer.objects.visible_to(self.actor, "access_tokens:write")
        if name is None:
            return found.get() if reach is not None and len(reach) == 1 else None
        customer = found.called(name).first()
        if customer is None:
            raise NotFound("customer")
        return customer


class OneAccessToken(PortalView):
    scopes = {"DELETE": "access_tokens:write"}

    @extend_schema(operation_id="access_tokens_delete", responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Revoke a token at once."""
        rows = ManagementToken.objects.visible_to(self.actor, "access_tokens:write")
        revoke_access_token(self.actor, one(rows, "access token", public_id=id).pk)
        return Response(status=204)
