"""``TOKEN_SERVICE_…``: off until issuer and key are there; what is wrong is named, never shown."""

import base64
from datetime import timedelta

import pytest

from portal.config.env import Env
from portal.config.token_service import token_service
from portal.core.limits import Limit
from provisioning.config import ConfigError

KEY = base64.b64encode(b"k" * 32).decode()
ON = {"TOKEN_SERVICE_ISSUER": "acme", "TOKEN_SERVICE_KEY": KEY}


def test_the_key_is_decoded_and_never_shown() -> None:
    found = token_service(Env(ON))
    assert found is not None
    assert (found.issuer, found.key, found.needs_bearer) == ("acme", b"k" * 32, False)
    assert "kkkk" not in repr(found)


def test_limits_as_they_are_written() -> None:
    found = token_service(Env({**ON, "TOKEN_SERVICE_RATE": "100 / Hour", "TOKEN_SERVICE_AUTH": "Bearer"}))
    assert found is not None
    assert found.address_limit == Limit(100, timedelta(hours=1))
    assert found.phone_limit == Limit(5, timedelta(minutes=1))
    assert found.needs_bearer


@pytest.mark.parametrize("missing", [*ON, "both"])
def test_it_is_off_without_issuer_or_key(missing: str) -> None:
    given = {name: value for name, value in ON.items() if missing not in (name, "both")}
    assert token_service(Env(given)) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN_SERVICE_KEY", "no base64 at all, nor anything like it!"),
        ("TOKEN_SERVICE_KEY", KEY[:-1]),
        ("TOKEN_SERVICE_KEY", base64.b64encode(b"k" * 31).decode()),
        ("TOKEN_SERVICE_KEY", base64.b64encode(b"-----BEGIN PUBLIC KEY-----" * 2).decode()),
        ("TOKEN_SERVICE_RATE", "30"),
        ("TOKEN_SERVICE_RATE", "0/minute"),
        ("TOKEN_SERVICE_RATE", "-1/minute"),
        ("TOKEN_SERVICE_PHONE_RATE", "5/fortnight"),
        ("TOKEN_SERVICE_PHONE_RATE", "1e3/minute"),
        ("TOKEN_SERVICE_AUTH", "basic"),
    ],
)
def test_a_bad_value_stops_the_start_naming_the_variable(name: str, value: str) -> None:
    for issuer in ("acme", ""):  # also while it is off
        with pytest.raises(ConfigError) as raised:
            token_service(Env({**ON, "TOKEN_SERVICE_ISSUER": issuer, name: value}))
        assert raised.value.variable == name
        assert name != "TOKEN_SERVICE_KEY" or value not in str(raised.value)
