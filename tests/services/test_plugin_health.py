from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from portal.core.plugins import registry, set_registry
from portal.models import PluginState
from portal.services.plugins import look_at_plugins, plugin_health
from provisioning.contract import Problem
from provisioning.errors import Transient
from provisioning.registry import Registry
from tests.conftest import Api, Clock

pytestmark = pytest.mark.django_db


class Checked:
    slug, contract_version, local, default_lifetime = "checked", 1, False, None

    def __init__(self) -> None:
        self.looks = 0
        self.found: list[Problem] | Exception = []

    def check(self) -> Sequence[Problem]:
        self.looks += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def plugin() -> Iterator[Checked]:
    before, plugin = registry(), Checked()
    set_registry(Registry([plugin]))  # type: ignore[list-item]  # as much of a plugin as is asked of it
    yield plugin
    set_registry(before)


def test_what_a_worker_found_is_read_without_looking_again(plugin: Checked, clock: Clock) -> None:
    plugin.found = [Problem("no_permission", "Grant it.")]
    look_at_plugins()
    looked_at = clock()
    clock.advance(minutes=4)
    (health,) = plugin_health()
    assert plugin.looks == 1
    assert (health.healthy, health.checked_at, health.problems) == (False, looked_at, plugin.found)


@pytest.mark.parametrize("minutes", [5, -1])
def test_an_old_look_or_one_in_the_future_counts_for_nothing(
    plugin: Checked, clock: Clock, minutes: int
) -> None:
    plugin.found = [Problem("no_permission", "Grant it.")]
    look_at_plugins()
    plugin.found = []
    clock.advance(minutes=minutes)
    (health,) = plugin_health()
    assert (plugin.looks, health.healthy, health.checked_at) == (2, True, clock())


def test_without_any_worker_whoever_asks_looks_and_the_next_one_reads(
    plugin: Checked, api: Api, clock: Clock
) -> None:
    plugin.found = [Problem("no_permission", "Grant it.")]
    for _ in range(2):
        (shown,) = api.get("/plugins").json()["results"]
        assert shown == {
            "slug": "checked", "capabilities": ["check"], "healthy": False,
            "checked_at": clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "problems": [{"code": "no_permission", "detail": "Grant it.", "optional": False}],
        }  # fmt: skip
    assert plugin.looks == 1


def test_a_plugin_that_could_do_more_is_healthy(plugin: Checked, api: Api) -> None:
    plugin.found = [Problem("no_permission", "Grant it and it does more.", optional=True)]
    (shown,) = api.get("/plugins").json()["results"]
    assert shown["healthy"] is True
    assert shown["problems"][0]["optional"] is True


def test_a_check_that_fails_is_a_problem(plugin: Checked) -> None:
    plugin.found = Transient("unreachable", "It did not answer.")
    (health,) = plugin_health()
    assert health.problems == [Problem("unreachable", "It did not answer.")]


def test_a_check_that_crashes_is_a_problem_that_tells_no_secret(plugin: Checked) -> None:
    plugin.found = ValueError("token 1234")
    (health,) = plugin_health()
    assert [problem.code for problem in health.problems] == ["internal_error"]
    assert "1234" not in str(PluginState.objects.values().get())


def test_a_look_leaves_what_reconciling_found(plugin: Checked, clock: Clock) -> None:
    at = clock() - timedelta(hours=1)
    PluginState.objects.create(plugin="checked", reconciled_at=at, drift=[{"kind": "orphaned"}])
    look_at_plugins()
    state = PluginState.objects.get()
    assert (state.reconciled_at, state.drift, state.checked_at) == (at, [{"kind": "orphaned"}], clock())
