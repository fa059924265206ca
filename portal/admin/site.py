"""Django's own admin, under our name and theme."""

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db.models import Model
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

SECTIONS = {
    "Customers": ("customer", "user", "membership", "subscription", "plan", "planrequest"),
    "Keys": ("issuedkey", "operation", "pluginstate", "signingkey"),
    "Security": ("managementtoken", "phonetoken", "auditevent", "group"),
}


class Autocomplete(AutocompleteJsonView):
    """Offers people and customers by name; ``str()`` of a model never shows an address."""

    def serialize_result(self, obj: Model, to_field_name: str) -> dict[str, str]:
        from portal.admin.show import describe

        return {"id": str(getattr(obj, to_field_name)), "text": describe(obj)}


class PortalAdminSite(AdminSite):
    index_title = "Overview"
    empty_value_display = "–"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.site_header = self.site_title = settings.PORTAL_NAME
        self.disable_action("delete_selected")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only our own pages: those that libraries bring along write without an audit entry."""
        from portal.admin.base import PortalModelAdmin

        if admin_class is not None and issubclass(admin_class, PortalModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Our models in sections, in the order of the work."""
        from portal.admin.gateways import entry

        apps = self._build_app_dict(request)
        models = {
            model["object_name"].lower(): model for app in apps.values() for model in app["models"]
        }  # fmt: skip
        sections = []
        for title, names in SECTIONS.items():
            found = [models.pop(name) for name in names if name in models]
            sections.append({"name": title, "app_label": title.lower(), "models": found})
            if title == "Keys" and (gateways := entry(request)):
                found.append(gateways)
        if models:
            sections.append({"name": "More", "app_label": "more", "models": list(models.values())})
        index = reverse("admin:index", current_app=self.name)
        return [{**section, "app_url": index} for section in sections if section["models"]]

    def get_urls(self) -> list[Any]:
        """Pages that are about no rows come before the models'."""
        from portal.admin.gateways import list_page, recipe_page

        return [
            path("gateways/", self.admin_view(partial(list_page, self)), name="gateways"),
            path("gateways/<slug:name>/", self.admin_view(partial(recipe_page, self)), name="gateway"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from portal.admin.dashboard import dashboard

        return super().index(request, {"dashboard": dashboard(request), **(extra_context or {})})

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        return HttpResponseRedirect(reverse("admin:index"))

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return Autocomplete.as_view(admin_site=self)(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return HttpResponseRedirect(reverse("account_change_password"))
