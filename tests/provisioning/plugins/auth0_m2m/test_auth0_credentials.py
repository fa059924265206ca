"""What a customer gets: an application that fetches tokens for their organization alone."""

from datetime import UTC, datetime, timedelta

import pytest

from provisioning.contract import KeyRef
from provisioning.errors import Misconfigured, OutcomeUnknown, Rejected, Transient
from provisioning.testing import MemoryLedger, make_toolbox
from provisioning.testing.hooks import new_customer, new_email, new_request
from tests.fakes.auth0.process import Auth0Process, TokenRefused
from tests.provisioning.plugins.auth0_m2m.conftest import issue, load


def made(tenant: Auth0Process, since: set[str]) -> list[str]:
    """Applications that were not there before."""
    return [id for id in tenant.truth().alive["clients"] if id not in since]


def test_tokens_are_for_the_customers_organization(tenant: Auth0Process) -> None:
    customer, email = new_customer(), new_email()
    created = issue(tenant, customer, email, scopes=("orders:read",))
    claims = tenant.mint(created.external_id, created.secret.reveal())
    user = load(tenant).get_user(customer, email)
    assert user is not None
    assert (claims["org_id"], claims["scope"]) == (user.organization_id, "orders:read")
    assert created.public == {
        "client_id": created.external_id,
        "token_url": f"{tenant.url}/oauth/token",
        "audience": "https://api.example.com/",
    }


def test_no_token_is_for_another_organization(tenant: Auth0Process) -> None:
    other, email = new_customer(), new_email()
    issue(tenant, other, email)
    stranger = load(tenant).get_user(other, email)
    created = issue(tenant, new_customer(), new_email())
    assert stranger is not None
    with pytest.raises(TokenRefused):
        tenant.mint(created.external_id, created.secret.reveal(), organization=stranger.organization_id or "")


def test_a_scope_that_is_not_offered_creates_nothing(tenant: Auth0Process) -> None:
    requests = tenant.counts()["requests"]
    with pytest.raises(Rejected) as caught:
        issue(tenant, new_customer(), new_email(), scopes=("orders:read", "orders:delete"))
    assert caught.value.code == "auth0_scope_not_offered"
    assert "orders:delete" in caught.value.detail
    assert tenant.counts()["requests"] == requests


def test_the_application_says_whose_it_is(tenant: Auth0Process) -> None:
    request = new_request()
    created = issue(tenant, "cus-7", new_email(), marker=request.marker, key_id="key_7", name="x" * 200)
    application = tenant.truth().alive["clients"][created.external_id]
    assert application["name"] == f"Latchkey {request.marker}"
    assert application["description"] == "x" * 140
    assert application["client_metadata"] == {
        "customer": "cus-7", "key": "key_7", "marker": request.marker, "portal": make_toolbox().base_url,
    }  # fmt: skip


def test_an_expiry_is_the_portals_to_keep(tenant: Auth0Process) -> None:
    present = datetime(2026, 11, 21, tzinfo=UTC)
    plugin = load(tenant, make_toolbox(now=lambda: present))
    created = issue(tenant, new_customer(), new_email(), plugin=plugin, expires_in=timedelta(days=3))
    assert created.expires_at == present + timedelta(days=3)
    assert issue(tenant, new_customer(), new_email()).expires_at is None


def test_an_api_that_auth0_does_not_know_waits_for_the_operator(tenant: Auth0Process) -> None:
    customer, email, ledger, request = new_customer(), new_email(), MemoryLedger(), new_request()
    before = set(tenant.truth().alive["clients"])
    wrong = load(tenant, PLUGIN_AUTH0_M2M_API_AUDIENCE="https://nobody.example.com/")
    for _ in range(2):
        with pytest.raises(Misconfigured) as caught:
            issue(tenant, customer, email, ledger=ledger, plugin=wrong, marker=request.marker)
    assert caught.value.code == "auth0_api_refused"
    created = issue(tenant, customer, email, ledger=ledger, marker=request.marker)
    assert made(tenant, before) == [created.external_id]
    assert tenant.mint(created.external_id, created.secret.reveal())


def test_a_full_tenant_waits_for_the_operator(tenant: Auth0Process) -> None:
    tenant.limit_applications(1)
    with pytest.raises(Misconfigured) as caught:
        issue(tenant, new_customer(), new_email())
    tenant.limit_applications(100_000)
    assert caught.value.code == "auth0_limit_reached"


def test_an_organization_takes_a_hundred_keys_and_no_more(tenant: Auth0Process) -> None:
    customer, email, ledger, plugin = new_customer(), new_email(), MemoryLedger(), load(tenant)
    for _ in range(100):
        issue(tenant, customer, email, ledger=ledger, plugin=plugin)
    with pytest.raises(Rejected) as caught:
        issue(tenant, customer, email, ledger=ledger, plugin=plugin)
    assert caught.value.code == "auth0_organization_full"


@pytest.mark.parametrize("path", ["clients", "client-grants", "organizations"])
@pytest.mark.parametrize("fault", ["drop_after", "broken", "unavailable", "drop_before", "too_many"])
def test_no_write_is_repeated_by_the_sdk(tenant: Auth0Process, fault: str, path: str) -> None:
    """It would repeat a POST twice, and a connection that broke after the commit gave two applications."""
    customer, email, ledger, plugin = new_customer(), new_email(), MemoryLedger(), load(tenant)
    if path != "organizations":
        issue(tenant, customer, email, ledger=ledger, plugin=plugin)
    before, requests = set(tenant.truth().alive["clients"]), tenant.counts()["requests"]
    tenant.set_faults(**{fault: 1}, only=f"/api/v2/{path}", storm_seconds=0)
    with pytest.raises(Transient) as caught:
        issue(tenant, customer, email, ledger=ledger, plugin=plugin)
    assert (
        tenant.counts()["requests"] - requests <= {"clients": 1, "client-grants": 2, "organizations": 1}[path]
    )
    assert len(made(tenant, before)) <= 1
    reads = path == "organizations"  # what is looked up first
    assert isinstance(caught.value, OutcomeUnknown) is (fault not in ("too_many",) and not reads)


def test_an_answer_that_the_sdk_cannot_read_is_an_answer(tenant: Auth0Process) -> None:
    before = set(tenant.truth().alive["clients"])
    tenant.set_faults(odd=1)
    created = issue(tenant, new_customer(), new_email())
    tenant.set_faults()
    assert made(tenant, before) == [created.external_id]
    assert tenant.mint(created.external_id, created.secret.reveal())


def test_the_portals_applications_are_listed_and_no_others(tenant: Auth0Process) -> None:
    customer, request = new_customer(), new_request()
    created = issue(tenant, customer, new_email(), marker=request.marker, key_id=request.key_id)
    refs = list(load(tenant).list())
    assert KeyRef(request.marker, request.key_id, created.external_id, customer) in refs
    assert not [ref for ref in refs if ref.marker.startswith("stranger")]
    theirs = load(tenant, make_toolbox(base_url="https://other.example.com"))
    assert list(theirs.list()) == []


def test_revoking_ends_the_application_and_its_grants(tenant: Auth0Process) -> None:
    customer, request = new_customer(), new_request()
    created = issue(tenant, customer, new_email(), marker=request.marker)
    load(tenant).revoke(customer, KeyRef(request.marker, "", created.external_id))
    assert not [
        g for g in tenant.truth().alive["client-grants"].values() if g["client_id"] == created.external_id
    ]
    with pytest.raises(TokenRefused):
        tenant.mint(created.external_id, created.secret.reveal())


def test_revoking_without_an_id_finds_the_application(tenant: Auth0Process) -> None:
    customer, request = new_customer(), new_request()
    created = issue(tenant, customer, new_email(), marker=request.marker)
    for _ in range(2):
        load(tenant).revoke(customer, KeyRef(request.marker, "", ""))
    assert created.external_id not in tenant.truth().alive["clients"]
