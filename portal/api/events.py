"""``/events``: the audit log."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.fields import AnyObject
from portal.api.view import PortalView
from portal.models import AuditEvent, Customer


class EventOut(serializers.Serializer[AuditEvent]):
    id = serializers.CharField(source="public_id")
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    action = serializers.CharField()
    object = serializers.CharField()
    customer = serializers.CharField(source="customer.public_id", default=None, allow_null=True)
    detail = AnyObject()


class Events(PortalView):
    scopes = {"GET": "audit:read"}
    filters = ("customer", "action", "object", "actor")
    queryset = AuditEvent.objects.all()

    @extend_schema(
        operation_id="events_list", responses=EventOut(many=True),
        parameters=[
            OpenApiParameter("customer", description="`id` or `external_id`"),
            OpenApiParameter("action"), OpenApiParameter("object"), OpenApiParameter("actor"),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """What happened, newest first."""
        found, wanted = AuditEvent.objects.visible_to(self.actor, "audit:read"), self.wanted(request)
        if name := wanted.pop("customer", None):
            found = found.filter(customer__in=Customer.objects.ids_of(name))
        return self.listed(found.filter(**wanted).select_related("customer"), EventOut)
