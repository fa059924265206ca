"""The scope that a view declares for its method must be held somewhere; where, services check."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.core.actor import insufficient_scope

if TYPE_CHECKING:
    from rest_framework.views import APIView


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: "APIView") -> bool:
        if request.auth is None:
            return False
        scope = view.scopes.get("GET" if request.method == "HEAD" else request.method)  # type: ignore[attr-defined]
        if scope is not None and not request.auth.holds(scope):
            raise insufficient_scope(scope)
        return True
