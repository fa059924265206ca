"""``/operations`` and provisioning."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)  # fmt: skip
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.fields import EmailText, Flag, StrictSerializer, Text
from portal.api.idempotency import answer_once, work_once
from portal.api.view import PortalView, checked_choice, one
from portal.core.errors import Invalid
from portal.models import Customer, Operation, User
from portal.services.idempotency import Answer
from portal.services.operations.change import cancel_operation, retry_operation
from portal.services.operations.queue import request_provisioning


class OperationError(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class OperationOut(serializers.Serializer[Operation]):
    id = serializers.CharField(source="public_id")
    kind = serializers.ChoiceField(Operation.Kind.choices)
    plugin = serializers.CharField()
    status = serializers.ChoiceField(Operation.State.choices, source="state")
    customer = serializers.CharField(source="customer.public_id")
    key = serializers.CharField(source="key.public_id", default=None, allow_null=True)
    attempts = serializers.IntegerField()
    error = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(OperationError(allow_null=True))
    def get_error(self, operation: Operation) -> dict[str, str] | None:
        if not operation.error_code:
            return None
        return {"code": operation.error_code, "detail": operation.error_detail}


def rows() -> Any:
    return Operation.objects.select_related("customer", "key")


class Operations(PortalView):
    scopes = {"GET": "operations:read"}
    filters = ("customer", "user", "status", "plugin")
    queryset = Operation.objects.all()

    @extend_schema(
        operation_id="operations_list", responses=OperationOut(many=True),
        parameters=[
            OpenApiParameter("customer", description="`id` or `external_id`"),
            OpenApiParameter("user", description="e-mail or `usr_…`"),
            OpenApiParameter("status", enum=Operation.State.values),
            OpenApiParameter("plugin"),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Operations, newest first."""
        found, wanted = rows().visible_to(self.actor, "operations:read"), self.wanted(request)
        if name := wanted.get("customer"):
            found = found.filter(customer__in=Customer.objects.ids_of(name))
        if name := wanted.get("user"):
            found = found.filter(user__in=User.objects.called(name))
        if status := wanted.get("status"):
            found = found.filter(state=checked_choice("status", status, Operation.State.values))
        if plugin := wanted.get("plugin"):
            found = found.filter(plugin=plugin)
        return self.listed(found, OperationOut)


class OneOperation(PortalView):
    scopes = {"GET": "operations:read"}

    @extend_schema(operation_id="operations_read", responses=OperationOut)
    def get(self, request: Request, id: str) -> Response:
        """One operation."""
        return Response(
            OperationOut(
                one(rows().visible_to(self.actor, "operations:read"), "operation", public_id=id)
            ).data
        )


class RetryIn(StrictSerializer):
    confirm_absent = Flag(required=False, help_text="A person looked and found that nothing was created.")


class Nothing(StrictSerializer):
    pass


class RetryOperation(PortalView):
    scopes = {"POST": "operations:write"}

    @extend_schema(operation_id="operations_retry", request=RetryIn, responses={202: OperationOut})
    def post(self, request: Request, id: str) -> Response:
        """Repeat an operation that waits or stopped: recovery, then what is left to do."""
        operation = one(rows().visible_to(self.actor, "operations:write"), "operation", public_id=id)
        confirmed = self.body(request, RetryIn).get("confirm_absent", False)

        def change() -> Answer:
            retry_operation(self.actor, operation.pk, confirm_absent=confirmed)
            return Answer(202, OperationOut(rows().get(pk=operation.pk)).data)

        return answer_once(request, self.actor, change)


class CancelOperation(PortalView):
    scopes = {"POST": "operations:write"}

    @extend_schema(operation_id="operations_cancel", request=Nothing, responses={200: OperationOut})
    def post(self, request: Request, id: str) -> Response:
        """Cancel an operation; `queued` still when what it created has to be removed first."""
        operation = one(rows().visible_to(self.actor, "operations:write"), "operation", public_id=id)
        self.body(request, Nothing)

        def change() -> Answer:
            cancel_operation(self.actor, operation.pk)
            return Answer(200, OperationOut(rows().get(pk=operation.pk)).data)

        return answer_once(request, self.actor, change)


@extend_schema_serializer(
    examples=[
        OpenApiExample("A user at the default plugin", request_only=True, value={"user": "ada@acme.example"})
    ]
)
class ProvisionIn(StrictSerializer):
    user = EmailText(max_length=254)
    plugin = Text(max_length=64, required=False)


class Provision(PortalView):
    scopes = {"POST": "provision:write"}

    @extend_schema(operation_id="customers_provision", request=ProvisionIn, responses={202: OperationOut})
    def post(self, request: Request, id: str) -> Response:
        """Make a customer's user known at a plugin."""
        customer = one(Customer.objects.visible_to(self.actor, "provision:write"), "customer", public_id=id)
        values = self.body(request, ProvisionIn)
        user = User.objects.filter(email=values["user"], memberships__customer=customer).first()
        if user is None:
            raise Invalid.field("user", "is no member of this customer: add them first")

        def change() -> Operation:
            return request_provisioning(self.actor, customer.pk, user=user, plugin=values.get("plugin"))

        return work_once(request, self.actor, change, Provisioning())


class Provisioning:
    """Waits for no worker, and answers with the operation as it is then."""

    wait_seconds = 0.0

    def answer(self, operation: Operation) -> Answer:
        location = {"Location": f"{settings.PORTAL_BASE_URL}/api/v1/operations/{operation.public_id}"}
        return Answer(202, OperationOut(rows().get(pk=operation.pk)).data, location)
