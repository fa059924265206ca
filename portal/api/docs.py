"""The OpenAPI document and its page, rendered from our own files."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import DefaultContentNegotiation

from portal.core.problems import CONTENT_TYPE


class Schema(SpectacularAPIView):
    """The OpenAPI document, YAML by default, JSON with ``?format=json``."""

    content_negotiation_class = DefaultContentNegotiation

    def handle_exception(self, exc: Exception) -> Any:
        """Problems are JSON, whatever the document is."""
        answer = super().handle_exception(exc)
        return JsonResponse(answer.data, status=answer.status_code, content_type=CONTENT_TYPE)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI."""
    return render(request, "api/docs.html")
