"""``/keys``: create, reveal, rotate, revoke."""

import re
from typing import Any

from django.conf import settings
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)  # fmt: skip
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.fields import (
    Duration,
    DurationOrZero,
    EmailText,
    ExternalId,
    StrictSerializer,
    Text,
    TextList,
)
from portal.api.idempotency import work_once
from portal.api.view import PortalView, checked_choice, one
from portal.core.actor import Actor
from portal.core.errors import Conflict, Gone, Invalid, NotFound
from portal.models import Customer, IssuedKey, Operation, User
from portal.services.idempotency import Answer
from portal.services.keys.request import request_key
from portal.services.keys.reveal import may_reveal, reveal_key
from portal.services.keys.revoke import revoke_key
from portal.services.keys.rotate import DEFAULT_OVERLAP, rotate_key

NO_STORE = {"Cache-Control": "no-store"}


class KeyOut(serializers.Serializer[IssuedKey]):
    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    customer = serializers.CharField(source="customer.public_id")
    user = serializers.CharField(source="user.email", default=None, allow_null=True)
    plugin = serializers.CharField()
    status = serializers.ChoiceField(IssuedKey.Status.choices, source="shown_status")
    kid = serializers.CharField(source="signing_key.kid", default=None, allow_null=True)
    jti = serializers.CharField(allow_null=True)
    external_id = serializers.CharField()
    prefix = serializers.CharField()
    last4 = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    retires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    tokens_valid_until = serializers.DateTimeField(
        allow_null=True,
        help_text="Of a revoked or expired OAuth client: when the last access token fetched with it expires.",
    )
    last_used_at = serializers.DateTimeField(allow_null=True)
    secret_available = serializers.BooleanField()


class SecretOut(serializers.Serializer[Any]):
    secret = serializers.JSONField(help_text="A string, or an object for OAuth clients.")


class KeyWithSecret(KeyOut):
    secret = serializers.JSONField(
        help_text="Shown once. A string, or an object for OAuth clients.", required=False
    )
    operation = serializers.CharField(
        required=False, help_text="The operation to look at while it isn't issued."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A key for 30 days", request_only=True,
            value={
                "customer": "acme-1042", "user": "ada@acme.example", "name": "live", "expires_in": "30d",
            },
        )
    ]
)  # fmt: skip
class KeyIn(StrictSerializer):
    customer = ExternalId(help_text="`id` or `external_id`")
    user = EmailText(max_length=254, help_text="E-mail of a member of the customer.")
    name = Text(max_length=100)
    plugin = Text(max_length=64, required=False)
    expires_in = Duration(required=False)
    scopes = TextList(required=False)


class RotateIn(StrictSerializer):
    overlap = DurationOrZero(required=False)


class RevokeIn(StrictSerializer):
    reason = Text(max_length=200, required=False, allow_blank=True)


def key_rows() -> Any:
    return IssuedKey.objects.select_related("customer", "user", "signing_key").with_removal()


class Keys(PortalView):
    scopes = {"GET": "keys:read", "POST": "keys:write"}
    filters = ("customer", "user", "status", "plugin")
    queryset = IssuedKey.objects.all()

    @extend_schema(
        operation_id="keys_list", responses=KeyOut(many=True),
        parameters=[
            OpenApiParameter("customer", description="`id` or `external_id`"),
            OpenApiParameter("user", description="e-mail or `usr_…`"),
            OpenApiParameter("status", enum=IssuedKey.Status.values),
            OpenApiParameter("plugin"),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Keys, newest first; never their secrets."""
        found, wanted = key_rows().visible_to(self.actor, "keys:read"), self.wanted(request)
        if name := wanted.get("customer"):
            found = found.filter(customer__in=Customer.objects.ids_of(name))
        if name := wanted.get("user"):
            found = found.filter(user__in=User.objects.called(name))
        if status := wanted.get("status"):
            found = found.in_status(checked_choice("status", status, IssuedKey.Status.values))
        if plugin := wanted.get("plugin"):
            found = found.filter(plugin=plugin)
        return self.listed(found, KeyOut)

    @extend_schema(
        operation_id="keys_create", request=KeyIn,
        responses={
            201: KeyWithSecret,
            202: OpenApiResponse(KeyWithSecret, "Not issued yet: look at the operation under Location."),
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Create a key. Answers 201 with the secret when it is issued within `Prefer: wait=N` seconds."""
        values = self.body(request, KeyIn)
        customers = Customer.objects.visible_to(self.actor, "keys:write")
        customer = customers.called(values.pop("customer")).first()
        if customer is None:
            raise NotFound("customer")
        user = User.objects.filter(email=values.pop("user"), memberships__customer=customer).first()
        if user is None:
            raise Invalid.field("user", "is no member of this customer: add them first")

        def change() -> Operation:
            return request_key(self.actor, customer.pk, user=user, **values)

        return work_once(request, self.actor, change, Issuing(request, self.actor))


class OneKey(PortalView):
    scopes = {"GET": "keys:read"}

    @extend_schema(operation_id="keys_read", responses=KeyOut)
    def get(self, request: Request, id: str) -> Response:
        """One key, without its secret."""
        return Response(KeyOut(one(key_rows().visible_to(self.actor, "keys:read"), "key", public_id=id)).data)


class RevealKey(PortalView):
    scopes = {"POST": "keys:write"}

    @extend_schema(operation_id="keys_reveal", request=None, responses={200: SecretOut})
    def post(self, request: Request, id: str) -> Response:
        """The secret, once in the key's life; afterwards 410."""
        key = one(key_rows().visible_to(self.actor, "keys:write"), "key", public_id=id)
        return Response({"secret": reveal_key(self.actor, key.pk)})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Refusals are not stored either."""
        response["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)


class RotateKey(PortalView):
    scopes = {"POST": "keys:write"}

    @extend_schema(
        operation_id="keys_rotate", request=RotateIn, responses={201: KeyWithSecret, 202: KeyWithSecret}
    )
    def post(self, request: Request, id: str) -> Response:
        """Issue a successor; the old key works until the overlap (default 24h) ends."""
        key = one(key_rows().visible_to(self.actor, "keys:write"), "key", public_id=id)
        overlap = self.body(request, RotateIn).get("overlap", DEFAULT_OVERLAP)

        def change() -> Operation:
            return rotate_key(self.actor, key.pk, overlap=overlap)

        return work_once(request, self.actor, change, Issuing(request, self.actor))


class RevokeKey(PortalView):
    scopes = {"POST": "keys:write"}

    @extend_schema(operation_id="keys_revoke", request=RevokeIn, responses={200: KeyOut, 202: KeyOut})
    def post(self, request: Request, id: str) -> Response:
        """Revoke a key: refused here at once; 202 while its gateway still has to be told."""
        key = one(key_rows().visible_to(self.actor, "keys:write"), "key", public_id=id)
        reason = self.body(request, RevokeIn).get("reason", "")
        revoke_key(self.actor, key.pk, reason=reason)
        revoked = key_rows().get(pk=key.pk)
        return Response(KeyOut(revoked).data, status=202 if revoked.status == "revoking" else 200)


class Issuing:
    """Waits for an issuing operation as long as ``Prefer: wait`` says, and tells what came out."""

    def __init__(self, request: Request, actor: Actor) -> None:
        self.wait_seconds = _wait(request)
        self._actor = actor

    def answer(self, operation: Operation) -> Answer:
        key = key_rows().get(pk=operation.key_id)
        if key.status != IssuedKey.Status.ACTIVE:
            location = f"{settings.PORTAL_BASE_URL}/api/v1/operations/{operation.public_id}"
            body = {**KeyOut(key).data, "operation": operation.public_id}
            return Answer(202, body, {"Location": location, **NO_STORE})
        location = f"{settings.PORTAL_BASE_URL}/api/v1/keys/{key.public_id}"
        secret = _secret_for(self._actor, key)
        body = {**KeyOut(key_rows().get(pk=key.pk)).data, **secret}
        return Answer(201, body, {"Location": location, **NO_STORE})


def _secret_for(actor: Actor, key: IssuedKey) -> dict[str, Any]:
    """The secret when this caller may see it; staff who issue for others get the key alone."""
    if not (may_reveal(actor, key) and actor.recent_sign_in and key.secret_available):
        return {}
    try:
        return {"secret": reveal_key(actor, key.pk)}
    except (Conflict, Gone):
        return {}  # revoked meanwhile


def _wait(request: Request) -> float:
    """Seconds of ``Prefer: wait=N`` (RFC 7240 section 4.3), 5 by default, 30 at most."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})", request.headers.get("Prefer", ""), re.ASCII)
    return min(int(found[1]), 30) if found else 5
