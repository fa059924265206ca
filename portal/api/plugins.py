"""``/plugins``."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.view import PortalView
from portal.services.plugins import plugin_health


class ProblemOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    optional = serializers.BooleanField()


class PluginOut(serializers.Serializer[Any]):
    slug = serializers.CharField()
    capabilities = serializers.ListField(child=serializers.CharField())
    healthy = serializers.BooleanField()
    checked_at = serializers.DateTimeField()
    problems = ProblemOut(many=True)


class PluginList(serializers.Serializer[Any]):
    results = PluginOut(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class Plugins(PortalView):
    scopes = {"GET": "plugins:read"}

    @extend_schema(operation_id="plugins_list", responses=PluginList)
    def get(self, request: Request) -> Response:
        """The enabled plugins, the default first, and what was wrong at the last look."""
        return Response(
            {"results": PluginOut(plugin_health(), many=True).data, "next": None, "previous": None}
        )
