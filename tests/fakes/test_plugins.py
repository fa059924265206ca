"""The fake provider's plugins keep the contract, whatever the provider does to them."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import pytest

from provisioning.contract import CreatedKey, KeyRef, Plugin, Rate, Toolbox
from provisioning.errors import OutcomeUnknown, Transient
from provisioning.registry import load_plugins
from provisioning.secret import Secret
from provisioning.testing import MemoryLedger, PluginContract, make_toolbox
from provisioning.testing.hooks import EMAIL, new_customer, new_request
from tests.fakes.provider.process import ProviderProcess
from tests.real.waiting import eventually

PLUGIN_FOLDER = Path(__file__).parent / "plugin"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    with ProviderProcess(tmp_path_factory.mktemp("provider")) as provider:
        provider.add_strangers(60)
        yield provider


@pytest.fixture(autouse=True)
def _installed(provider: ProviderProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The plugins' folder alone makes them installed."""
    monkeypatch.syspath_prepend(PLUGIN_FOLDER)
    yield
    provider.set_faults()


def load(provider: ProviderProcess, slug: str, toolbox: Toolbox | None = None, **settings: str) -> Plugin:
    found = entry_points(group="latchkey.plugins")
    config = {**provider.settings, "PLUGIN_REMOTE_DEADLINE": "1s", **settings}
    return load_plugins(slug, config.get, toolbox or make_toolbox(), found).default


class RemoteSuite(PluginContract):
    slug: ClassVar[str]
    kind: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _use(self, provider: ProviderProcess) -> None:
        self.provider = provider

    def make_plugin(self) -> Plugin:
        return load(self.provider, self.slug)

    def credentials(self) -> list[str]:
        return list(self.provider.truth().alive[self.kind])

    def users(self) -> list[str] | None:
        return list(self.provider.truth().alive["users"])

    def accepts(self, secret: Secret) -> bool | None:
        return self.provider.accepts(secret.reveal())

    def granted_scopes(self, created: CreatedKey) -> frozenset[str] | None:
        return frozenset(self.provider.truth().alive[self.kind][created.external_id]["scopes"])

    def faults(self) -> Mapping[str, AbstractContextManager[object]]:
        return {
            "dropped before": self._failing(drop_before=1),
            "dropped after": self._failing(drop_after=1),
            "hangs": self._failing(hang=1, late_most_seconds=0.1, hang_seconds=2),
            "too many": self._failing(too_many=1),
            "unavailable": self._failing(unavailable=1),
            "broken": self._failing(broken=1),
        }

    def secrets(self) -> list[str]:
        return [self.provider.token]

    @contextmanager
    def _failing(self, **faults: Any) -> Iterator[None]:
        self.provider.set_faults(**faults)
        try:
            yield
        finally:
            self.provider.set_faults()


class TestRemote(RemoteSuite):
    slug, kind = "remote", "credentials"


class TestRemoteChosen(RemoteSuite):
    slug, kind = "remote-chosen", "chosen-credentials"


def issue(plugin: Plugin, ledger: MemoryLedger, request: Any = None) -> CreatedKey:
    request = request or new_request()
    calls = ledger.calls("acme", request.marker)
    return plugin.create_api_key("acme", EMAIL, request=request, calls=calls)


def test_strangers_are_not_listed(provider: ProviderProcess) -> None:
    plugin = load(provider, "remote")
    listed = {ref.marker for ref in plugin.list()}  # type: ignore[attr-defined]
    assert not [marker for marker in listed if marker.startswith("stranger-")]


def test_a_key_whose_id_was_never_known_is_revoked_by_its_marker(provider: ProviderProcess) -> None:
    plugin, request = load(provider, "remote"), new_request()
    created = issue(plugin, MemoryLedger(), request)
    plugin.revoke("acme", KeyRef(request.marker, request.key_id, ""))  # type: ignore[attr-defined]
    assert created.external_id not in provider.truth().alive["credentials"]


@pytest.mark.parametrize("header", [True, False])
def test_a_429_is_transient_and_holds_everybody_for_as_long_as_it_says(
    provider: ProviderProcess, header: bool
) -> None:
    rates = HeldRates()
    toolbox = make_toolbox()
    lent = Toolbox(toolbox.now, toolbox.signer, toolbox.base_url, rates)
    plugin = load(provider, "remote", lent, PLUGIN_REMOTE_RATE="5/s")
    # The storm's coin decides on the header: try until it fell as wanted.
    provider.set_faults(too_many=1)
    while True:
        rates.held.clear()
        with pytest.raises(Transient) as caught:
            issue(plugin, MemoryLedger())
        assert not isinstance(caught.value, OutcomeUnknown)
        if (caught.value.retry_after is not None) == header:
            break
    assert rates.held == ([("remote calls", timedelta(seconds=1))] if header else [])
    assert set(rates.taken) == {("remote calls", Rate(5))}


class HeldRates:
    """Gives turns at once and notes what it was asked."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Rate]] = []
        self.held: list[tuple[str, timedelta]] = []

    def take(self, bucket: str, rate: Rate) -> None:
        self.taken.append((bucket, rate))

    def hold(self, bucket: str, time: timedelta) -> None:
        self.held.append((bucket, time))


def test_the_rate_limit_counts_what_came_too_fast(provider: ProviderProcess) -> None:
    before = provider.counts().get("violations", 0)
    provider.set_faults(rate_per_second=1, rate_burst=2)
    with pytest.raises(Transient):
        issue(load(provider, "remote"), MemoryLedger())
    assert provider.counts()["violations"] == before + 1


def test_a_late_commit_happens_when_nobody_waits_for_it_any_more(provider: ProviderProcess) -> None:
    plugin, request, customer = load(provider, "remote"), new_request(), new_customer()
    provider.set_faults(drop_late=1, late_least_seconds=0.3, late_most_seconds=0.3, only="/v1/credentials")
    calls = MemoryLedger().calls(customer, request.marker)
    with pytest.raises(OutcomeUnknown):
        plugin.create_api_key(customer, EMAIL, request=request, calls=calls)
    assert plugin.find(customer, request.marker) is None  # type: ignore[attr-defined]
    eventually(lambda: plugin.find(customer, request.marker), "it landed")  # type: ignore[attr-defined]


def test_what_was_created_is_found_after_the_lag_only(provider: ProviderProcess) -> None:
    plugin, request = load(provider, "remote"), new_request()
    provider.set_faults(lookup_lag_seconds=0.5)
    created = issue(plugin, MemoryLedger(), request)
    assert plugin.find("acme", request.marker) is None  # type: ignore[attr-defined]
    assert created.external_id in provider.truth().alive["credentials"]
    eventually(lambda: plugin.find("acme", request.marker), "it shows")  # type: ignore[attr-defined]
