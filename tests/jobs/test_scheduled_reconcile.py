"""Every day every provider is compared with the portal, and one that can't be asked stops no other."""

from collections.abc import Iterator

import pytest

from portal.core.plugins import registry, set_registry
from portal.core.stopping import stopping
from portal.jobs.scheduled.reconcile import reconcile_plugins
from portal.models import PluginState
from provisioning.contract import KeyRef
from provisioning.errors import Transient
from provisioning.registry import Registry
from tests.jobs.listing import Listing

pytestmark = pytest.mark.django_db


class Away(Listing):
    slug = "away"

    def list(self) -> Iterator[KeyRef]:
        raise Transient("unreachable", "It did not answer.")


@pytest.fixture
def remote() -> Iterator[Listing]:
    """A provider with a credential that belongs to nobody, behind one that is away."""
    before, plugin = registry(), Listing()
    plugin.there["stray"] = "nobodys"
    set_registry(Registry([*before, Away(), plugin]))  # type: ignore[list-item]  # made of instances' attributes
    yield plugin
    set_registry(before)


def test_what_differs_is_stored_and_nothing_repaired(remote: Listing) -> None:
    reconcile_plugins()
    state = PluginState.objects.get()
    assert state.plugin == "remote"
    assert [drift["external_id"] for drift in state.drift] == ["stray"]
    assert remote.there == {"stray": "nobodys"}


def test_it_ends_between_two_plugins_when_told_to_stop(remote: Listing) -> None:
    stopping.set()
    try:
        reconcile_plugins()
    finally:
        stopping.clear()
    assert not PluginState.objects.exists()
