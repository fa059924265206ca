"""``/customers/{id}/subscriptions`` and ``/subscriptions/{id}``."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.fields import ExternalId, StrictSerializer, Text
from portal.api.idempotency import answer_once
from portal.api.view import PortalView, one
from portal.core.errors import Invalid
from portal.models import Customer, Plan, Subscription
from portal.services.idempotency import Answer
from portal.services.subscriptions import create_subscription, update_subscription


class SubscriptionOut(serializers.Serializer[Subscription]):
    id = serializers.CharField(source="public_id")
    external_id = serializers.CharField()
    plan = serializers.CharField(source="plan.slug")
    status = serializers.ChoiceField(Subscription.Status.choices)


class SubscriptionChange(StrictSerializer):
    plan = Text(max_length=64)
    external_id = ExternalId(required=False, allow_blank=True)
    status = serializers.ChoiceField(Subscription.Status.choices, required=False)

    def validate_plan(self, slug: str) -> Plan:
        plan = Plan.objects.filter(slug=slug).first()
        if plan is None:
            raise serializers.ValidationError("There is no such plan.")
        return plan


@extend_schema_serializer(
    examples=[
        OpenApiExample("On a plan", request_only=True, value={"plan": "pro", "external_id": "sub_1042"})
    ]
)
class SubscriptionIn(SubscriptionChange):
    pass


class Subscriptions(PortalView):
    scopes = {"GET": "customers:read", "POST": "customers:write"}
    queryset = Subscription.objects.all()

    @extend_schema(operation_id="subscriptions_list", responses=SubscriptionOut(many=True))
    def get(self, request: Request, id: str) -> Response:
        """A customer's subscriptions, newest first."""
        self.wanted(request)
        customer = one(Customer.objects.visible_to(self.actor, "customers:read"), "customer", public_id=id)
        return self.listed(
            Subscription.objects.filter(customer=customer).select_related("plan"), SubscriptionOut
        )

    @extend_schema(
        operation_id="subscriptions_create", request=SubscriptionIn, responses={201: SubscriptionOut}
    )
    def post(self, request: Request, id: str) -> Response:
        """Put a customer on a plan."""
        customer = one(Customer.objects.visible_to(self.actor, "customers:write"), "customer", public_id=id)
        self.actor.require_everywhere("customers:write")
        values: dict[str, Any] = self.body(request, SubscriptionIn)
        if values.get("status") == Subscription.Status.CANCELLED:
            raise Invalid.field("status", "a new subscription can't be cancelled")

        def change() -> Answer:
            return Answer(201, SubscriptionOut(create_subscription(self.actor, customer.pk, **values)).data)

        return answer_once(request, self.actor, change)


class OneSubscription(PortalView):
    scopes = {"PATCH": "customers:write"}

    @extend_schema(operation_id="subscriptions_update", request=SubscriptionChange, responses=SubscriptionOut)
    def patch(self, request: Request, id: str) -> Response:
        """Change a subscription. Cancelling revokes the keys made under it."""
        subscription = one(
            Subscription.objects.visible_to(self.actor, "customers:write").filter(customer__deleted_at=None),
            "subscription", public_id=id,
        )  # fmt: skip
        self.actor.require_everywhere("customers:write")
        changes = self.body(request, SubscriptionChange, partial=True)
        changed = update_subscription(self.actor, subscription.pk, changes)
        return Response(SubscriptionOut(changed).data)
