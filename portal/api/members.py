"""``/customers/{id}/users``."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.fields import EmailText, StrictSerializer, Text
from portal.api.idempotency import answer_once
from portal.api.view import PortalView, one
from portal.models import Customer, Membership
from portal.services.idempotency import Answer
from portal.services.members import add_member, remove_member, update_member


class MemberOut(serializers.Serializer[Membership]):
    id = serializers.CharField(source="user.public_id")
    email = serializers.CharField(source="user.email")
    name = serializers.CharField(source="user.name")
    role = serializers.ChoiceField(Membership.Role.choices)


class MemberChange(StrictSerializer):
    name = Text(max_length=200, required=False, allow_blank=True)
    role = serializers.ChoiceField(Membership.Role.choices, required=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A user", request_only=True, value={"email": "ada@acme.example", "name": "Ada", "role": "owner"}
        )
    ]
)
class MemberIn(MemberChange):
    email = EmailText(max_length=254)


class Members(PortalView):
    scopes = {"GET": "customers:read", "POST": "customers:write"}
    queryset = Membership.objects.all()

    @extend_schema(operation_id="users_list", responses=MemberOut(many=True))
    def get(self, request: Request, id: str) -> Response:
        """A customer's users."""
        self.wanted(request)
        customer = one(Customer.objects.visible_to(self.actor, "customers:read"), "customer", public_id=id)
        return self.listed(Membership.objects.filter(customer=customer).select_related("user"), MemberOut)

    @extend_schema(operation_id="users_create", request=MemberIn, responses={201: MemberOut})
    def post(self, request: Request, id: str) -> Response:
        """Add a user; the first becomes owner unless a role is given."""
        customer = one(Customer.objects.visible_to(self.actor, "customers:write"), "customer", public_id=id)
        values = self.body(request, MemberIn)

        def change() -> Answer:
            return Answer(201, MemberOut(add_member(self.actor, customer.pk, **values)).data)

        return answer_once(request, self.actor, change)


class OneMember(PortalView):
    scopes = {"PATCH": "customers:write", "DELETE": "customers:write"}

    @extend_schema(operation_id="users_update", request=MemberChange, responses=MemberOut)
    def patch(self, request: Request, id: str, user: str) -> Response:
        """Change a user's role or name."""
        membership = self._membership(id, user)
        changes: dict[str, Any] = self.body(request, MemberChange, partial=True)
        changed = update_member(self.actor, membership.customer_id, membership.user_id, **changes)
        return Response(MemberOut(changed).data)

    @extend_schema(operation_id="users_delete", responses={204: None})
    def delete(self, request: Request, id: str, user: str) -> Response:
        """Remove a user from the customer. Their keys stay: they are the customer's."""
        membership = self._membership(id, user)
        remove_member(self.actor, membership.customer_id, membership.user_id)
        return Response(status=204)

    def _membership(self, id: str, user: str) -> Membership:
        customer = one(Customer.objects.visible_to(self.actor, "customers:write"), "customer", public_id=id)
        return one(Membership.objects.filter(customer=customer), "user", user__public_id=user)
