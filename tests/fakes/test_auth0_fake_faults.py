"""Each fault of the fake tenant does to its ledger what it says, and to its client what Auth0 would."""

from uuid import uuid4

import httpx
import pytest
from auth0.management.client import Auth0
from auth0.management.core.api_error import ApiError
from auth0.management.core.parse_error import ParsingError

from tests.fakes.auth0 import sdk
from tests.fakes.auth0.process import Auth0Process, TokenRefused
from tests.real.waiting import eventually

pytestmark = pytest.mark.once
CLIENTS = "/api/v2/clients"


def create(api: Auth0, name: str) -> None:
    api.clients.create(name=name, app_type="non_interactive")


def named(tenant: Auth0Process, name: str) -> int:
    return len(tenant.truth().found("clients", "name", name))


@pytest.mark.parametrize(
    ("fault", "commits"), [("drop_before", 0), ("drop_after", 1), ("drop_late", 1), ("hang", 1)]
)
def test_a_lost_answer_says_nothing_about_the_commit(
    tenant: Auth0Process, api: Auth0, fault: str, commits: int
) -> None:
    name = uuid4().hex
    tenant.set_faults(**{fault: 1}, late_most_seconds=0.3, late_least_seconds=0.2, hang_seconds=0.1)
    with pytest.raises(httpx.TransportError):
        create(api, name)
    eventually(tenant.is_idle, "the request had its effect")
    assert named(tenant, name) == commits
    assert tenant.counts()[fault] == 1


@pytest.mark.parametrize(("fault", "status"), [("too_many", 429), ("unavailable", 503)])
def test_a_refusal_commits_nothing(tenant: Auth0Process, api: Auth0, fault: str, status: int) -> None:
    name = uuid4().hex
    tenant.set_faults(**{fault: 1})
    with pytest.raises(ApiError) as caught:
        create(api, name)
    assert caught.value.status_code == caught.value.body["statusCode"] == status
    assert named(tenant, name) == 0


def test_a_broken_answer_follows_a_commit_sometimes(tenant: Auth0Process, api: Auth0) -> None:
    name = uuid4().hex
    tenant.set_faults(broken=1)
    for _ in range(20):
        with pytest.raises(ApiError) as caught:
            create(api, name)
        assert caught.value.status_code == 500
    assert 0 < named(tenant, name) < 20


def test_a_slow_answer_is_right(tenant: Auth0Process, api: Auth0) -> None:
    name = uuid4().hex
    tenant.set_faults(slow=1, late_most_seconds=0.1)
    create(api, name)
    assert named(tenant, name) == 1


@pytest.mark.parametrize("what", ["client", "organization", "user", "grant"])
def test_an_odd_answer_follows_a_commit_and_the_sdk_cannot_read_it(
    tenant: Auth0Process, api: Auth0, what: str
) -> None:
    client, name = str(api.clients.create(name="odd").client_id), uuid4().hex
    tenant.set_faults(odd=1)
    audience = tenant.settings["PLUGIN_AUTH0_M2M_API_AUDIENCE"]
    calls = {
        "client": lambda: create(api, name),
        "organization": lambda: api.organizations.create(name=name),
        "user": lambda: api.users.create(connection="email", email=f"{name}@example.com"),
        "grant": lambda: api.client_grants.create(client_id=client, audience=audience, scope=[]),
    }
    before = len(tenant.ledger.read_text().splitlines())
    with pytest.raises(ParsingError) as caught:
        calls[what]()
    assert len(tenant.ledger.read_text().splitlines()) == before + 1
    if what == "client":
        assert tenant.truth().found("clients", "name", name) == [caught.value.body["client_id"]]
        assert caught.value.body["client_secret"] in tenant.secrets()


def test_the_sdks_own_retry_makes_two_clients_of_one_lost_answer(tenant: Auth0Process, api: Auth0) -> None:
    """The trap that the plugin must not fall into is there."""
    name, dropped_then_well = uuid4().hex, 1
    tenant.set_faults(drop_after=0.5, only=CLIENTS, seed=dropped_then_well)
    with sdk.connected(tenant, retries=2) as retrying:
        create(retrying, name)
    assert named(tenant, name) == 2


def test_a_429_always_tells_the_limit_and_sometimes_how_long_to_wait(
    tenant: Auth0Process, api: Auth0
) -> None:
    told = set()
    tenant.set_faults(too_many=1)
    for _ in range(30):
        with pytest.raises(ApiError) as caught:
            create(api, "x")
        headers = caught.value.headers or {}
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(headers)
        told.add(headers.get("retry-after"))
    assert told == {None, "1"}


def test_what_comes_before_retry_after_has_ended_is_counted(tenant: Auth0Process, api: Auth0) -> None:
    tenant.set_faults(too_many=1, storm_seconds=60, early_grace_seconds=0)
    told = None
    while told is None:
        before = tenant.counts().get("early", 0)
        with pytest.raises(ApiError) as caught:
            create(api, "refused")
        told = (caught.value.headers or {}).get("retry-after")
    assert told == "60"
    assert tenant.counts().get("early", 0) == before
    with pytest.raises(ApiError):
        create(api, "too early")
    assert tenant.counts()["early"] == before + 1


def test_what_comes_too_fast_is_a_violation(tenant: Auth0Process, api: Auth0) -> None:
    tenant.set_faults(rate_per_second=0.001, rate_burst=2)
    before = tenant.counts().get("violations", 0)
    for name in ("first", "second"):
        create(api, name)
    with pytest.raises(ApiError) as caught:
        create(api, "third")
    assert (caught.value.status_code, (caught.value.headers or {})["retry-after"]) == (429, "1")
    assert sdk.fetch_token(tenant).status_code == 200, "the token endpoint has a limit of its own"
    assert tenant.counts()["violations"] == before + 1


def test_what_would_be_refused_meets_limits_and_faults_too(tenant: Auth0Process, api: Auth0) -> None:
    tenant.set_faults(rate_per_second=0.001, rate_burst=1)
    for expected in (400, 429):
        with pytest.raises(ApiError) as caught:
            create(api, "<")
        assert caught.value.status_code == expected


def test_faults_and_limits_spare_what_they_do_not_name(tenant: Auth0Process, api: Auth0) -> None:
    tenant.set_faults(unavailable=1, only=CLIENTS)
    assert sdk.fetch_token(tenant).status_code == 200
    assert api.users.list_users_by_email(email="a@example.com") == []
    with pytest.raises(ApiError):
        create(api, "x")
    tenant.set_faults(unavailable=1, only="/oauth/token")
    with pytest.raises(TokenRefused, match="503"):
        tenant.mint("client", "secret")
    create(api, "x")


def test_lists_show_what_was_created_after_the_lag_only(tenant: Auth0Process, api: Auth0) -> None:
    name = uuid4().hex
    tenant.set_faults(lookup_lag_seconds=0.5)
    create(api, name)

    def listed() -> bool:
        return name in {client.name for client in api.clients.list(per_page=100)}

    assert not listed()
    eventually(listed, "it shows")


def test_connections_are_kept(tenant: Auth0Process) -> None:
    before = tenant.counts()["connections"]
    with sdk.connected(tenant) as api:
        for _ in range(5):
            create(api, "kept")
    for_token, for_api, for_counts = 1, 1, 1
    assert tenant.counts()["connections"] == before + for_token + for_api + for_counts
