"""The endpoints of ``/api/v2``: what each wants of token, query and body before it is let in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.auth0 import clients, grants, organizations, users
from tests.fakes.auth0.paging import CHECKPOINT, FIELDS, OFFSET
from tests.fakes.auth0.refusals import invalid_body, refused
from tests.fakes.auth0.shapes import EMAIL, Check, Shape, one_of, text
from tests.fakes.auth0.tenant import Call, Tenant
from tests.fakes.faulty import Answer, Request

_NO_QUERY = Shape()


@dataclass(frozen=True)
class Route:
    """``pattern`` has ``*`` for a parameter; one of ``scopes`` is needed."""

    method: str
    pattern: str
    scopes: tuple[str, ...]
    run: Callable[[Tenant, Call], Answer]
    body: Shape | None = None
    query: Shape = _NO_QUERY

    @property
    def name(self) -> str:
        return f"{self.method} {self.pattern}"

    def ids(self, method: str, parts: list[str]) -> tuple[str, ...] | None:
        """The parameters of a path that is this one; else None."""
        wanted = self.pattern.split("/")
        if method != self.method or len(wanted) != len(parts):
            return None
        pairs = list(zip(wanted, parts, strict=True))
        if any(mine not in ("*", theirs) for mine, theirs in pairs):
            return None
        return tuple(theirs for mine, theirs in pairs if mine == "*")

    def admit(self, request: Request, ids: tuple[str, ...], granted: frozenset[str]) -> Call:
        """Raises ``Refused`` for what Auth0 refuses without looking at what exists."""
        if not granted & set(self.scopes):
            needed = ", ".join(self.scopes)
            raise refused(403, f"Insufficient scope, expected any of: {needed}", "insufficient_scope")
        query = dict(request.query)
        problem = self.query(query) or ("Repeated" if len(query) < len(request.query) else None)
        if problem:
            raise refused(400, f"Query validation error: '{problem}'.", "invalid_query_string")
        return Call(ids, query, self._body(request), granted)

    def _body(self, request: Request) -> dict[str, object]:
        if self.body is None:
            if request.content not in (b"", b"{}"):
                raise invalid_body("This endpoint takes no body")
            return {}
        kind = (request.headers["Content-Type"] or "").partition(";")[0].strip().lower()
        body: Any = request.json() if kind == "application/json" else None
        if problem := self.body(body):
            raise invalid_body(problem)
        return dict(body)


def _query(*parts: dict[str, Check], needed: tuple[str, ...] = (), **own: Check) -> Shape:
    return Shape({name: check for part in (*parts, own) for name, check in part.items()}, needed)


_BY_EMAIL = _query(FIELDS, needed=("email",), email=text(3, 254, EMAIL))
_LIST_CLIENTS = _query(OFFSET, CHECKPOINT, FIELDS, app_type=text(1))
_LIST_GRANTS = _query(
    OFFSET, CHECKPOINT, audience=text(1), client_id=text(1), allow_any_organization=one_of("true", "false")
)

ROUTES = (
    Route("GET", "users-by-email", ("read:users",), users.by_email, query=_BY_EMAIL),
    Route("POST", "users", ("create:users",), users.create, users.NEW),
    Route("GET", "users/*", ("read:users",), users.get, query=_query(FIELDS)),
    Route("PATCH", "users/*", ("update:users",), users.change, users.CHANGED),
    Route(
        "GET", "users/*/organizations", ("read:organizations",), users.organizations_of, query=_query(OFFSET)
    ),
    Route("POST", "organizations", ("create:organizations",), organizations.create, organizations.NEW),
    Route(
        "GET", "organizations", ("read:organizations",), organizations.list_all,
        query=_query(OFFSET, CHECKPOINT),
    ),
    Route("GET", "organizations/*", ("read:organizations",), organizations.get),
    Route("GET", "organizations/name/*", ("read:organizations",), organizations.by_name),
    Route(
        "POST", "organizations/*/members", ("create:organization_members",), organizations.add_members,
        organizations.NEW_MEMBERS,
    ),
    Route(
        "POST", "organizations/*/client-grants", ("create:organization_client_grants",), grants.associate,
        grants.NEW_ASSOCIATION,
    ),
    Route("POST", "clients", ("create:clients",), clients.create, clients.NEW),
    Route("GET", "clients", ("read:clients",), clients.list_all, query=_LIST_CLIENTS),
    Route("GET", "clients/*", ("read:clients",), clients.get, query=_query(FIELDS)),
    Route("PATCH", "clients/*", ("update:clients",), clients.change, clients.CHANGED),
    Route("DELETE", "clients/*", ("delete:clients",), clients.delete),
    Route("POST", "clients/*/rotate-secret", ("update:client_keys",), clients.rotate),
    Route("POST", "client-grants", ("create:client_grants",), grants.create, grants.NEW),
    Route("GET", "client-grants", ("read:client_grants",), grants.list_all, query=_LIST_GRANTS),
    Route("DELETE", "client-grants/*", ("delete:client_grants",), grants.delete),
)  # fmt: skip


def routed(method: str, parts: list[str]) -> tuple[Route, tuple[str, ...]]:
    """The endpoint of a path below ``/api/v2`` and its parameters. Raises ``Refused`` with 404."""
    for route in ROUTES:
        ids = route.ids(method, parts)
        if ids is not None:
            return route, ids
    raise refused(404, "Not Found")
