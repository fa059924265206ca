"""The portal's own token: kept, replaced when it is refused, and never shown."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provisioning.errors import Misconfigured, ProvisioningError, Transient
from provisioning.plugins.auth0_m2m import tokens
from provisioning.plugins.auth0_m2m.errors import MissingScope
from provisioning.plugins.auth0_m2m.tokens import BUCKET, RATE
from provisioning.testing import MemoryLedger
from provisioning.testing.hooks import new_customer, new_email
from tests.fakes.auth0.process import ALL, TEN_SCOPES, Auth0Process
from tests.provisioning.plugins.auth0_m2m.conftest import counting, issue, load


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tokens are older than the shortest time between two, without anybody waiting."""
    return lambda: monkeypatch.setattr(tokens, "YOUNG_SECONDS", 0)


def fetched(tenant: Auth0Process) -> int:
    return tenant.counts().get("POST oauth/token", 0)


def test_one_token_serves_many_calls(tenant: Auth0Process) -> None:
    plugin, before = load(tenant), fetched(tenant)
    for _ in range(3):
        issue(tenant, new_customer(), new_email(), plugin=plugin)
    assert fetched(tenant) == before + 1


def test_a_token_that_was_revoked_is_replaced(tenant: Auth0Process) -> None:
    plugin = load(tenant)
    for _ in range(2):
        issue(tenant, new_customer(), new_email(), plugin=plugin)
        tenant.revoke_tokens()
        with pytest.raises(Transient) as caught:
            issue(tenant, new_customer(), new_email(), plugin=plugin)
        assert caught.value.code == "auth0_token_refused"


def test_a_permission_granted_later_counts_at_the_next_attempt(tenant: Auth0Process) -> None:
    tenant.set_scopes(*TEN_SCOPES)
    plugin = load(tenant)
    with pytest.raises(MissingScope):
        list(plugin.list())
    tenant.set_scopes(*ALL)
    list(plugin.list())


def test_a_permission_granted_to_an_old_token_counts_at_the_next_attempt(
    tenant: Auth0Process, aged: Any
) -> None:
    tenant.set_scopes(*TEN_SCOPES)
    plugin = load(tenant)
    issue(tenant, new_customer(), new_email(), plugin=plugin)
    tenant.set_scopes(*ALL)
    aged()
    with pytest.raises(Transient) as caught:
        list(plugin.list())
    assert caught.value.code == "auth0_token_refused"
    list(plugin.list())


def test_check_learns_of_permissions_every_few_minutes(
    tenant: Auth0Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant.set_scopes(*TEN_SCOPES)
    plugin = load(tenant)
    assert plugin.check()
    tenant.set_scopes(*ALL)
    before = fetched(tenant)
    assert plugin.check()
    assert fetched(tenant) == before, "a token a minute would be many"
    monkeypatch.setattr(tokens, "RECENT_SECONDS", 0)
    assert list(plugin.check()) == []


def test_no_write_waits_for_a_token(tenant: Auth0Process) -> None:
    """Its intent is stored: the time in which it can land has begun."""
    plugin = load(tenant)
    issue(tenant, new_customer(), new_email(), plugin=plugin)
    plugin._tokens.drop(plugin._tokens.held())
    before = tenant.counts()["requests"], fetched(tenant)
    with pytest.raises(Transient):
        plugin._credentials.delete("nothing")
    assert (tenant.counts()["requests"], fetched(tenant)) == before


def test_threads_that_wait_for_a_token_fail_together(tenant: Auth0Process) -> None:
    tenant.set_faults(broken=1, only="/oauth")
    plugin, before = load(tenant), fetched(tenant)

    def attempt(_: int) -> str:
        with pytest.raises(Transient) as caught:
            plugin.provision_user(new_customer(), new_email(), None, calls=MemoryLedger().calls("c", "r"))
        return caught.value.code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(attempt, range(8))) == {"auth0_failed"}
    assert fetched(tenant) == before + 1


@pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET"])
def test_credentials_that_auth0_refuses_are_the_operators(tenant: Auth0Process, name: str) -> None:
    plugin = load(tenant, **{f"PLUGIN_AUTH0_M2M_{name}": "canary-of-a-secret"})
    with pytest.raises(Misconfigured) as caught:
        issue(tenant, new_customer(), new_email(), plugin=plugin)
    assert caught.value.code == "auth0_credentials_refused"
    assert [problem.code for problem in plugin.check()] == ["auth0_credentials_refused"]


@pytest.mark.parametrize("fault", ["broken", "drop_before", "drop_after", "unavailable", "too_many"])
def test_no_token_is_a_matter_of_time(tenant: Auth0Process, fault: str) -> None:
    tenant.set_faults(**{fault: 1}, only="/oauth", storm_seconds=0)
    with pytest.raises(Transient):
        issue(tenant, new_customer(), new_email())


def test_no_process_asks_for_a_token_before_auth0_wants_to_be_asked(tenant: Auth0Process) -> None:
    tenant.set_faults(too_many=1, storm_seconds=60, only="/oauth")
    plugin, turns = counting(tenant, "25/s")
    with pytest.raises(Transient) as caught:
        issue(tenant, new_customer(), new_email(), plugin=plugin)
    assert caught.value.code == "auth0_rate_limited"
    assert caught.value.retry_after is not None
    assert turns.taken == {(BUCKET, RATE): 1}
    assert turns.held == [(BUCKET, caught.value.retry_after)]


@pytest.mark.parametrize("fault", ["broken", "drop_before", "drop_after"])
def test_errors_do_not_carry_the_request_with_its_secret(tenant: Auth0Process, fault: str) -> None:
    secret = tenant.settings["PLUGIN_AUTH0_M2M_CLIENT_SECRET"]
    tenant.set_faults(**{fault: 1}, only="/oauth")
    with pytest.raises(ProvisioningError) as caught:
        issue(tenant, new_customer(), new_email())
    seen: BaseException | None = caught.value
    while seen is not None:
        assert secret not in f"{seen!r} {vars(seen)!r}"
        request = getattr(seen, "request", None)
        assert request is None
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def test_nothing_of_the_plugin_shows_a_secret(tenant: Auth0Process) -> None:
    plugin = load(tenant)
    issue(tenant, new_customer(), new_email(), plugin=plugin)
    seen, todo = set[int](), [plugin, *vars(plugin).values()]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or not type(thing).__module__.startswith(("provisioning", "auth0", "httpx")):
            continue
        seen.add(id(thing))
        for secret in tenant.secrets():
            assert secret not in repr(thing), type(thing)
        todo += getattr(thing, "__dict__", {}).values()
    assert len(seen) > 5
