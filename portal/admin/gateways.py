"""Connect a gateway: every recipe with this portal's values in it. Nothing is secret, nothing is changed."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

from portal.admin.markdown import rendered
from portal.core.errors import Invalid
from portal.core.recipes import Values, recipe_named, recipes
from portal.services.gateways import audiences, remarks, values_of_this_portal

TITLE = "Connect a gateway"
KINDS = {
    "gateway": ("Gateways", "Run by you, in front of your API."),
    "library": ("Libraries", "For an API that verifies keys by itself."),
    "service": ("Services", "Run by somebody else: pages written from their documentation."),
}
"""Kind of recipe → its heading, and what such are."""


@dataclass(frozen=True)
class Line:
    """A recipe in the list."""

    title: str
    url: str
    how: str
    lacking: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    title: str
    note: str
    lines: list[Line]


@dataclass(frozen=True)
class Fact:
    label: str
    value: str
    name: str = ""
    """The element's id, where there is a button that copies the value."""


def may_connect(request: HttpRequest) -> bool:
    """Who looks after signing keys looks after who verifies with them."""
    return request.user.has_perm("portal.view_signingkey")


def entry(request: HttpRequest) -> dict[str, Any] | None:
    """Its line in the list of lists, or None for who may not see it."""
    if not may_connect(request):
        return None
    return {
        "name": TITLE, "object_name": "Gateway", "admin_url": reverse("admin:gateways"), "add_url": None,
        "view_only": True, "perms": {"view": True}, "model": None,
    }  # fmt: skip


def list_page(site: AdminSite, request: HttpRequest) -> TemplateResponse:
    values = _values(request)
    context = {
        "title": TITLE, "facts": _facts(values), "groups": _groups(values),
    }  # fmt: skip
    return TemplateResponse(request, "admin/portal/gateways.html", {**site.each_context(request), **context})


def recipe_page(site: AdminSite, request: HttpRequest, name: str) -> TemplateResponse:
    values = _values(request)
    try:
        recipe = recipe_named(name)
    except Invalid as exc:
        raise Http404 from exc
    context = {
        "title": recipe.title,
        "facts": _facts(values, asks=not recipe.algorithms),
        "remarks": remarks(recipe, values),
        "files": recipe.filled(values),
        "page": rendered(recipe.page(values)),
        "audiences": [(name, name == values.audience) for name in audiences()],
        "command": f"python manage.py gateway_config {recipe.name}",
    }
    return TemplateResponse(request, "admin/portal/gateway.html", {**site.each_context(request), **context})


def _values(request: HttpRequest) -> Values:
    if not may_connect(request):
        raise PermissionDenied
    chosen = request.GET.get("audience")
    return values_of_this_portal(audience=chosen if chosen in audiences() else None)


def _facts(values: Values, *, asks: bool = False) -> list[Fact]:
    asking = [Fact("Where to ask", values.verify_uri, "verify")]
    verifying = [
        Fact("Issuer", values.issuer, "issuer"),
        Fact("JWKS", values.jwks_uri, "jwks"),
        Fact("Discovery", values.discovery_uri, "discovery"),
        Fact("Audience", values.audience, "audience") if values.audience else Fact("Audience", "None"),
        Fact("Algorithms", ", ".join(values.algorithms)),
    ]
    return [*(asking if asks else verifying), Fact("Customer claim", values.company_claim)]


def _groups(values: Values) -> list[Group]:
    lines: dict[str, list[Line]] = {kind: [] for kind in KINDS}
    for recipe in recipes().values():
        how = "Verifies by itself" if recipe.algorithms else "Asks the portal"
        url = reverse("admin:gateway", args=[recipe.name])
        lines[recipe.kind].append(Line(recipe.title, url, how, recipe.unverifiable(values)))
    return [Group(*KINDS[kind], found) for kind, found in lines.items() if found]
