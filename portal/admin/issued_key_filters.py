"""Filters of the list of keys: by status as of now, and by what is about to happen to them."""

from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from portal.core.clock import now
from portal.models import IssuedKey
from portal.models.issued_key import IssuedKeyQuerySet

EXPIRING_WITHIN = timedelta(days=7)
Status = IssuedKey.Status


class StatusFilter(SimpleListFilter):
    """By the status as of now: a key whose time is up is expired."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in Status.values or not isinstance(queryset, IssuedKeyQuerySet):
            return queryset
        return queryset.in_status(str(self.value()))


def expiring() -> Q:
    """Active, and its time is up within 7 days."""
    return Q(status=Status.ACTIVE, expires_at__gt=now(), expires_at__lte=now() + EXPIRING_WITHIN)


def unrevealed() -> Q:
    """Active, and nobody has seen its secret yet: after 7 days it is erased and the key revoked."""
    return Q(status=Status.ACTIVE, revealed_at=None) & ~Q(sealed_secret="")


def replaced() -> Q:
    """Still works beside its successor, until the overlap ends."""
    return Q(status=Status.ACTIVE, retires_at__isnull=False)


class SoonFilter(SimpleListFilter):
    title = "about to change"
    parameter_name = "soon"
    _kinds = {"expiring": expiring, "unrevealed": unrevealed, "replaced": replaced}

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [
            ("expiring", "Expiring within 7 days"),
            ("unrevealed", "Secret not fetched yet"),
            ("replaced", "Being replaced"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self._kinds.get(self.value() or "")
        return queryset.filter(wanted()) if wanted else queryset
