"""Reading identity providers from the environment."""

from pathlib import Path

import pytest

from portal.config.env import Env
from portal.config.identity_providers import IdentityProvider, identity_providers
from provisioning.config import ConfigError

ISSUER = "https://login.example.com/tenant/"
WHOLE = {"OIDC_OKTA_ISSUER": ISSUER, "OIDC_OKTA_CLIENT_ID": "id", "OIDC_OKTA_CLIENT_SECRET": "hush"}


def read(environ: dict[str, str], *, allow_http: bool = False) -> tuple[IdentityProvider, ...]:
    return identity_providers(Env(environ), environ, allow_http=allow_http)


def test_any_number_of_names() -> None:
    second = {name.replace("OKTA", "ACME_ID_2"): value for name, value in WHOLE.items()}
    acme, okta = read(WHOLE | second)
    assert (okta.slug, okta.name, okta.issuer, okta.origin) == (
        "okta", "Okta", ISSUER, "https://login.example.com",
    )  # fmt: skip
    assert (acme.slug, acme.name) == ("acme-id-2", "Acme Id 2")


def test_the_secret_is_not_shown_and_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    kept = {name: value for name, value in WHOLE.items() if "SECRET" not in name}
    (provider,) = read(kept | {"OIDC_OKTA_CLIENT_SECRET_FILE": str(file)})
    assert provider.client_secret == "from a file"
    assert "from a file" not in repr(provider)


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_an_incomplete_one_stops_the_start_and_names_what_is_missing(missing: str) -> None:
    for environ in ({**WHOLE, missing: ""}, {name: WHOLE[name] for name in WHOLE if name != missing}):
        with pytest.raises(ConfigError, match=missing):
            read(environ)


def test_three_empty_variables_are_none() -> None:
    assert read(dict.fromkeys(WHOLE, "")) == ()
    assert read({}) == ()


@pytest.mark.parametrize(
    "issuer",
    [
        "login.example.com",
        "ftp://login.example.com",
        "https://login.example.com/?tenant=1",
        "https://login.example.com/#a",
        "https://user@login.example.com",
        "https://",
        "https://[::1",
    ],
)
def test_what_is_no_issuer_is_refused(issuer: str) -> None:
    with pytest.raises(ConfigError, match="OIDC_OKTA_ISSUER"):
        read({**WHOLE, "OIDC_OKTA_ISSUER": issuer})


def test_plain_http_is_for_development() -> None:
    environ = {**WHOLE, "OIDC_OKTA_ISSUER": "http://127.0.0.1:9000"}
    assert read(environ, allow_http=True)[0].origin == "http://127.0.0.1:9000"
    with pytest.raises(ConfigError, match="OIDC_OKTA_ISSUER must be https|https in production"):
        read(environ)
