"""Settings stop the start naming the variable, never its value."""

from datetime import timedelta

import pytest

from provisioning.config import ConfigError
from provisioning.contract import Rate
from provisioning.plugins.auth0_m2m.config import Auth0Config
from provisioning.plugins.auth0_m2m.limits import SHARE, Kind

PREFIX = "PLUGIN_AUTH0_M2M_"
SETTINGS = {
    "DOMAIN": "Acme.eu.auth0.com",
    "CLIENT_ID": "portal-id",
    "CLIENT_SECRET": "portal-secret",
    "API_AUDIENCE": "https://api.example.com/",
    "API_SCOPE": "orders:read  orders:write orders:read",
}


def config(**changed: str) -> Auth0Config:
    settings = {f"{PREFIX}{name}": value for name, value in {**SETTINGS, **changed}.items()}
    return Auth0Config.from_config(settings.get)


def refused(**changed: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        config(**changed)
    return caught.value


def test_settings_are_read() -> None:
    read = config()
    assert read.domain == "acme.eu.auth0.com"
    assert read.token_url == "https://acme.eu.auth0.com/oauth/token"
    assert read.scopes == ("orders:read", "orders:write")
    assert read.token_lifetime == timedelta(hours=24)
    assert read.connection == "Username-Password-Authentication"


@pytest.mark.parametrize("name", ["DOMAIN", "CLIENT_ID", "CLIENT_SECRET", "API_AUDIENCE"])
def test_a_missing_one_is_named(name: str) -> None:
    assert str(refused(**{name: " "})) == f"{PREFIX}{name}: is missing"


def test_an_api_may_have_no_scopes() -> None:
    assert config(API_SCOPE="").scopes == ()


@pytest.mark.parametrize(
    "domain", ["https://acme.auth0.com", "acme.auth0.com/", "acme auth0.com", "-acme", "user@acme.auth0.com"]
)
def test_the_domain_is_a_host_name(domain: str) -> None:
    error = refused(DOMAIN=domain)
    assert error.variable == "PLUGIN_AUTH0_M2M_DOMAIN"
    assert domain not in str(error)


def test_the_domain_may_carry_a_port() -> None:
    assert config(DOMAIN="127.0.0.1:8443").token_url == "https://127.0.0.1:8443/oauth/token"


@pytest.mark.parametrize(
    "audience",
    [
        "https://acme.eu.auth0.com/api/v2/",
        "https://acme.eu.auth0.com/api/v2",
        "https://acme-tenant.us.auth0.com/api/v2/",
    ],
)
def test_customers_never_get_tokens_for_the_management_api(audience: str) -> None:
    assert refused(API_AUDIENCE=audience).variable == "PLUGIN_AUTH0_M2M_API_AUDIENCE"


def test_scopes_are_scopes() -> None:
    assert refused(API_SCOPE='orders:read "all"').variable == "PLUGIN_AUTH0_M2M_API_SCOPE"


def test_the_secret_is_not_shown() -> None:
    assert "portal-secret" not in repr(config())


@pytest.mark.parametrize("plan", ["gold", "0/s", "-1/s", "5/m", "1.5/s"])
def test_an_unknown_plan_is_refused(plan: str) -> None:
    assert refused(RATE_PLAN=plan).variable == "PLUGIN_AUTH0_M2M_RATE_PLAN"


@pytest.mark.parametrize(
    ("plan", "rate"), [("", Rate(2 * SHARE)), ("Free", Rate(2 * SHARE)), ("25/s", Rate(25 * SHARE))]
)
def test_one_limit_may_hold_for_all_calls(plan: str, rate: Rate) -> None:
    limits = config(RATE_PLAN=plan).limits
    assert {limits[kind].rate for kind in Kind} == {rate}
    assert len({limits[kind].bucket for kind in Kind}) == 1


@pytest.mark.parametrize("plan", ["essentials", "professional"])
def test_paid_plans_limit_each_kind_of_call(plan: str) -> None:
    limits = config(RATE_PLAN=plan).limits
    assert len({limits[kind].bucket for kind in Kind}) == len(Kind)
    assert limits[Kind.ORGANIZATION_WRITE].rate == Rate(25 / 60 * SHARE, 4)
    assert limits[Kind.OTHER].rate == Rate(150 / 60 * SHARE, 9)
