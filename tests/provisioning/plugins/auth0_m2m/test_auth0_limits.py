"""Turns are taken before calls; a 429 holds everybody; time-outs and refused connections are told apart."""

from datetime import timedelta
from typing import Any

import pytest

from provisioning.contract import Rate
from provisioning.errors import OutcomeUnknown, Transient
from provisioning.http import make_client
from provisioning.plugins.auth0_m2m.config import Auth0Config
from provisioning.plugins.auth0_m2m.errors import LONGEST_RESET
from provisioning.plugins.auth0_m2m.limits import PLANS, SHARE, Kind
from provisioning.plugins.auth0_m2m.plugin import Auth0M2mPlugin
from provisioning.plugins.auth0_m2m.tokens import BUCKET, RATE
from provisioning.testing import MemoryLedger, make_toolbox
from provisioning.testing.hooks import new_customer, new_email
from tests.fakes.auth0.process import Auth0Process
from tests.provisioning.plugins.auth0_m2m.conftest import counting, issue, load

SHORT = timedelta(seconds=0.5)


def impatient(tenant: Auth0Process, **settings: Any) -> Auth0M2mPlugin:
    config = Auth0Config.from_config({**tenant.settings, **settings}.get)
    return Auth0M2mPlugin(config, make_toolbox(), make_client(connect=SHORT, total=SHORT))


def test_every_call_takes_a_turn(tenant: Auth0Process) -> None:
    plugin, turns = counting(tenant, "25/s")
    before = tenant.counts().get("requests", 0)
    issue(tenant, new_customer(), new_email(), plugin=plugin)
    made = tenant.counts()["requests"] - before
    assert turns.taken == {("auth0-m2m all calls", Rate(25 * SHARE)): made, (BUCKET, RATE): 1}


def test_kinds_of_calls_have_turns_of_their_own(tenant: Auth0Process) -> None:
    plugin, turns = counting(tenant, "essentials")
    issue(tenant, new_customer(), new_email(), plugin=plugin)
    del turns.taken[BUCKET, RATE]
    assert {bucket: count for (bucket, _), count in turns.taken.items()} == {
        "auth0-m2m organizations by name": 1, "auth0-m2m organization writes": 1,
        "auth0-m2m user reads": 1, "auth0-m2m user writes": 2, "auth0-m2m members": 1,
        "auth0-m2m other calls": 2, "auth0-m2m organization grants": 1,
    }  # fmt: skip
    assert {rate for _, rate in turns.taken} == {limit.rate for limit in PLANS["essentials"].values()} - {
        PLANS["essentials"][Kind.CLIENT_READ].rate  # nobody looked for applications
    }


def test_a_429_holds_everybody_for_as_long_as_auth0_says(tenant: Auth0Process) -> None:
    plugin, turns = counting(tenant, "25/s")
    tenant.set_faults(too_many=1, storm_seconds=0, seed=4, only="/api/")
    times = set()
    for _ in range(8):
        with pytest.raises(Transient) as caught:
            issue(tenant, new_customer(), new_email(), plugin=plugin)
        assert caught.value.code == "auth0_rate_limited"
        assert turns.held[-1] == ("auth0-m2m all calls", caught.value.retry_after)
        times.add(caught.value.retry_after)
    assert len(times) > 1, "with Retry-After and without"
    assert all(time is not None and timedelta(0) < time <= LONGEST_RESET for time in times)


def test_a_write_that_is_never_answered_has_an_end(tenant: Auth0Process) -> None:
    customer, email, ledger = new_customer(), new_email(), MemoryLedger()
    issue(tenant, customer, email, ledger=ledger)
    tenant.set_faults(hang=1, hang_seconds=1.5, late_most_seconds=0, only="/api/v2/clients")
    with pytest.raises(OutcomeUnknown) as caught:
        issue(tenant, customer, email, ledger=ledger, plugin=impatient(tenant))
    assert caught.value.code == "auth0_no_answer"


def test_a_read_that_is_never_answered_changed_nothing(tenant: Auth0Process) -> None:
    tenant.set_faults(hang=1, hang_seconds=1.5, late_most_seconds=0, only="/api/v2/organizations")
    with pytest.raises(Transient) as caught:
        issue(tenant, new_customer(), new_email(), plugin=impatient(tenant))
    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_tenant_that_cannot_be_reached_was_asked_nothing(tenant: Auth0Process) -> None:
    plugin = impatient(tenant, PLUGIN_AUTH0_M2M_DOMAIN="127.0.0.1:9")
    with pytest.raises(Transient) as caught:
        issue(tenant, new_customer(), new_email(), plugin=plugin)
    assert caught.value.code == "auth0_unreachable"


def test_a_certificate_that_nobody_vouches_for_is_not_taken(
    tenant: Auth0Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    before = tenant.counts().get("requests", 0)
    with pytest.raises(Transient) as caught:
        issue(tenant, new_customer(), new_email(), plugin=load(tenant))
    assert caught.value.code == "auth0_unreachable"
    assert tenant.counts().get("requests", 0) == before
