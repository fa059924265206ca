"""Filters of lists that read no table of millions to offer their choices."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from portal.admin.show import describe
from portal.admin.trouble import failing, stopped, stuck
from portal.core.plugins import registry


class PluginFilter(SimpleListFilter):
    """The enabled plugins; a row of one that is no longer enabled is found by search."""

    title = "plugin"
    parameter_name = "plugin"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [(slug, slug) for slug in registry().slugs]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(plugin=self.value()) if self.value() else queryset


class TroubleFilter(SimpleListFilter):
    """Operations that need a look, as the overview counts them."""

    title = "needs a look"
    parameter_name = "look"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [
            ("stopped", "Waits for a person"),
            ("failing", "Failing, tried again"),
            ("stuck", "Due for over 10 minutes"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        kinds = {"stopped": stopped, "failing": failing, "stuck": stuck}
        wanted = kinds.get(self.value() or "")
        return queryset.filter(wanted()) if wanted else queryset


class ParentFilter(SimpleListFilter):
    """Shown only when a link led here: "Customer: Acme", and the way back to all."""

    model: type[Model]
    field: str

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Sequence[tuple[str, str]]:
        value = request.GET.get(self.parameter_name or "", "")
        found = self.model._default_manager.filter(pk=value).first() if value.isdecimal() else None
        return [(value, describe(found))] if found is not None else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(**{self.field: value}) if value.isdecimal() else queryset.none()


def parent_filter(model: type[Model], field: str) -> type[ParentFilter]:
    """A ``ParentFilter`` on a foreign key: ``?customer__id__exact=7``."""
    return type(
        f"{model.__name__}Filter",
        (ParentFilter,),
        {
            "model": model,
            "field": f"{field}_id",
            "title": field.replace("_", " "),
            "parameter_name": f"{field}__id__exact",
        },
    )
