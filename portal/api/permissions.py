"""The scope that a view declares for its method must be held somewhere; where, services check."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.core.actor import Actor, insufficient_scope

if TYPE_CHECKING:
    from rest_framework.views import APIView


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: "APIView") -> bool:
        if request.auth is None:
            return False
        scope = view.scopes.get("GET" if request.method == "HEAD" else request.method)  # type: ignore[attr-defined]  # a PortalView
        actor: Actor = request.auth  # type: ignore[assignment]  # what our authentication returns
        if scope is not None and not actor.holds(scope):
            raise insufficient_scope(scope)
        return True
