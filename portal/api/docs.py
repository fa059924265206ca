"""The OpenAPI document and its page, rendered from our own files."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import DefaultContentNegotiation


class Schema(SpectacularAPIView):
    """The OpenAPI document, YAML by default, JSON with ``?format=json``."""

    content_negotiation_class = DefaultContentNegotiation


def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI."""
    return render(request, "api/docs.html")
