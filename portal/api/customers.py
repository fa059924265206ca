"""``/customers``, their users and subscriptions."""

from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.fields import EmailText, ExternalId, StrictSerializer, Text
from portal.api.idempotency import answer_once
from portal.api.view import PortalView, checked_choice, one
from portal.models import Customer, ProviderAccount
from portal.services.customers import create_customer, delete_customer, update_customer
from portal.services.idempotency import Answer

ACCOUNTS = Prefetch(
    "provider_accounts",
    ProviderAccount.objects.filter(user=None, state="ready").order_by("id"),
    to_attr="own_accounts",
)


class AccountOut(serializers.Serializer[ProviderAccount]):
    plugin = serializers.CharField()
    kind = serializers.CharField(help_text="Such as `organization`.")
    external_id = serializers.CharField(help_text="Its id at the plugin's provider.")


class CustomerOut(serializers.Serializer[Customer]):
    id = serializers.CharField(source="public_id")
    external_id = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField()
    status = serializers.ChoiceField(Customer.Status.choices)
    created_at = serializers.DateTimeField()
    accounts = AccountOut(many=True, source="own_accounts", help_text="What the customer is at plugins.")


def told(customer: Customer) -> Any:
    """One customer as the API tells it."""
    prefetch_related_objects([customer], ACCOUNTS)
    return CustomerOut(customer).data


class CustomerChange(StrictSerializer):
    name = Text(max_length=200)
    email = EmailText(max_length=254, required=False, allow_blank=True)
    external_id = ExternalId(required=False)
    status = serializers.ChoiceField(Customer.Status.choices, required=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A customer", request_only=True,
            value={"name": "Acme Ltd", "email": "dev@acme.example", "external_id": "acme-1042"},
        )
    ]
)  # fmt: skip
class CustomerIn(CustomerChange):
    pass


class Customers(PortalView):
    scopes = {"GET": "customers:read", "POST": "customers:write"}
    filters = ("customer", "status", "account")
    queryset = Customer.objects.all()

    @extend_schema(
        operation_id="customers_list", responses=CustomerOut(many=True),
        parameters=[
            OpenApiParameter("customer", description="`id` or `external_id`"),
            OpenApiParameter("status", enum=Customer.Status.values),
            OpenApiParameter("account", description="whole id at a plugin's provider, such as `org_…`"),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Customers, newest first."""
        rows = Customer.objects.visible_to(self.actor, "customers:read")
        wanted = self.wanted(request)
        if name := wanted.get("customer"):
            rows = rows.called(name)
        if status := wanted.get("status"):
            rows = rows.filter(status=checked_choice("status", status, Customer.Status.values))
        if account := wanted.get("account"):
            rows = rows.filter(pk__in=Customer.objects.ids_at(account))
        return self.listed(rows.prefetch_related(ACCOUNTS), CustomerOut)

    @extend_schema(operation_id="customers_create", request=CustomerIn, responses={201: CustomerOut})
    def post(self, request: Request) -> Response:
        """Create a customer. `external_id` is the id that billing and token claims know."""
        self.actor.require_everywhere("customers:write")
        values = self.body(request, CustomerIn)

        def change() -> Answer:
            customer = create_customer(self.actor, **values)
            return Answer(201, told(customer))

        return answer_once(request, self.actor, change)


class OneCustomer(PortalView):
    scopes = {"GET": "customers:read", "PATCH": "customers:write", "DELETE": "customers:write"}

    @extend_schema(operation_id="customers_read", responses=CustomerOut)
    def get(self, request: Request, id: str) -> Response:
        """One customer."""
        customer = one(Customer.objects.visible_to(self.actor, "customers:read"), "customer", public_id=id)
        return Response(told(customer))

    @extend_schema(operation_id="customers_update", request=CustomerChange, responses=CustomerOut)
    def patch(self, request: Request, id: str) -> Response:
        """Change a customer. Suspending or closing revokes every key at every plugin."""
        customer = one(Customer.objects.visible_to(self.actor, "customers:write"), "customer", public_id=id)
        changes = self.body(request, CustomerChange, partial=True)
        if {"external_id", "status"} & set(changes):
            self.actor.require_everywhere("customers:write")
        return Response(told(update_customer(self.actor, customer.pk, changes)))

    @extend_schema(operation_id="customers_delete", responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Delete a customer: revoke its keys everywhere and erase personal data."""
        customer = one(Customer.objects.visible_to(self.actor, "customers:write"), "customer", public_id=id)
        self.actor.require_everywhere("customers:write")
        delete_customer(self.actor, customer.pk)
        return Response(status=204)
