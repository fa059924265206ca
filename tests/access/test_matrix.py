"""Every route for every kind of caller. A route that is added and not listed fails here."""

import pytest

from tests.access.callers import CALLERS, Scene
from tests.access.matrix import BODIES, MATRIX
from tests.access.probe import probe
from tests.routes import Route, every_route

pytestmark = pytest.mark.django_db
ROUTES = every_route("portal.config.urls")
OTHERS = {"n", "-"}
"""What becomes of methods that a route doesn't have."""
FOR_ALL_STAFF = {
    "admin:index", "admin:login", "admin:logout", "admin:jsi18n", "admin:gateways", "admin:gateway",
    "admin:password_change", "admin:password_change_done",
    "admin:",  # leads to the page of an object, which looks at permissions
}  # fmt: skip
"""What a staff account without any permission may open."""


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_every_route_is_listed_and_no_other() -> None:
    assert {route.path for route in ROUTES if not route.name.startswith("admin:")} == set(MATRIX)


@pytest.mark.parametrize("route", MATRIX)
def test_a_route_serves_whom_the_matrix_says(route: str, scene: Scene) -> None:
    methods = ("GET", "POST", "PATCH", "DELETE") if route.startswith("api/") else ("GET", "POST")
    for method in methods:
        body = scene.filled(BODIES.get((method, route), {}))
        found = probe(scene, method, scene.path(route), body)
        if method in MATRIX[route]:
            assert found == MATRIX[route][method], f"{method} by {', '.join(CALLERS)}"
        else:
            assert set(found) <= OTHERS, method


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.name.startswith("admin:")], ids=lambda r: r.path
)
def test_the_admin_serves_nobody_without_permission(route: Route, scene: Scene) -> None:
    for method in ("GET", "POST"):
        found = dict(zip(CALLERS, probe(scene, method, scene.admin_path(route.path), {}), strict=True))
        served = {caller for caller, letter in found.items() if letter in "+!"}
        assert served <= ({*CALLERS} if route.name in ("admin:login", "admin:logout") else {"staff"}), found
        if route.name not in FOR_ALL_STAFF:
            assert "staff" not in served, found
