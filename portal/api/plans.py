"""``/plans``."""

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.fields import Duration, Flag, Matching, Number, StrictSerializer, Text, TextList
from portal.api.idempotency import answer_once
from portal.api.view import PortalView, one
from portal.models import Plan
from portal.services.idempotency import Answer
from portal.services.plans import create_plan, update_plan

_EXAMPLE = {
    "slug": "pro", "name": "Pro", "description": "For software in production.", "listed": True,
    "max_keys": 20, "max_lifetime": "90d", "scopes": ["orders:read"], "requires_subscription": True,
    "plugins": ["jwt"],
}  # fmt: skip


class PlanOut(serializers.Serializer[Plan]):
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    listed = serializers.BooleanField()
    max_keys = serializers.IntegerField(allow_null=True)
    max_lifetime = Duration(allow_null=True)
    scopes = serializers.ListField(child=serializers.CharField())
    requires_subscription = serializers.BooleanField()
    plugins = serializers.ListField(child=serializers.CharField())


class PlanChange(StrictSerializer):
    name = Text(max_length=200)
    description = Text(max_length=300, allow_blank=True, required=False)
    listed = Flag(required=False)
    max_keys = Number(min_value=0, max_value=1_000_000, allow_null=True, required=False)
    max_lifetime = Duration(keep=True, allow_null=True, required=False)
    scopes = TextList(required=False)
    requires_subscription = Flag(required=False)
    plugins = TextList(required=False)

    def validate_max_lifetime(self, value: str | None) -> str:
        return value or ""


@extend_schema_serializer(examples=[OpenApiExample("A plan", value=_EXAMPLE, request_only=True)])
class PlanIn(PlanChange):
    slug = Matching(
        r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", "must be 1 to 64 lower-case letters, digits and hyphens"
    )


class Plans(PortalView):
    scopes = {"GET": "plans:read", "POST": "plans:write"}
    queryset = Plan.objects.all()

    @extend_schema(operation_id="plans_list", responses=PlanOut(many=True))
    def get(self, request: Request) -> Response:
        """Plans, newest first: for a customer's people and tokens the catalogue and their own."""
        self.wanted(request)
        return self.listed(Plan.objects.visible_to(self.actor), PlanOut)

    @extend_schema(operation_id="plans_create", request=PlanIn, responses={201: PlanOut})
    def post(self, request: Request) -> Response:
        """Create a plan."""
        self.actor.require_everywhere("plans:write")
        values = self.body(request, PlanIn)

        def change() -> Answer:
            return Answer(201, PlanOut(create_plan(self.actor, **values)).data)

        return answer_once(request, self.actor, change)


class OnePlan(PortalView):
    scopes = {"GET": "plans:read", "PATCH": "plans:write"}

    @extend_schema(operation_id="plans_read", responses=PlanOut)
    def get(self, request: Request, slug: str) -> Response:
        """One plan."""
        return Response(PlanOut(one(Plan.objects.visible_to(self.actor), "plan", slug=slug)).data)

    @extend_schema(operation_id="plans_update", request=PlanChange, responses=PlanOut)
    def patch(self, request: Request, slug: str) -> Response:
        """Change a plan. Keys that exist stay as they are."""
        self.actor.require_everywhere("plans:write")
        plan = one(Plan.objects.all(), "plan", slug=slug)
        return Response(
            PlanOut(update_plan(self.actor, plan.pk, self.body(request, PlanChange, partial=True))).data
        )
