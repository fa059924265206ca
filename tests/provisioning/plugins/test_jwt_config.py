from datetime import timedelta

import pytest

from provisioning.config import ConfigError
from provisioning.plugins.jwt import RESERVED_CLAIMS, JwtConfig
from tests.provisioning.signing_keys import signing_key
from tokens.jwk import ALGORITHMS, ASYMMETRIC, HMAC, thumbprint, to_pem

BASE_URL = "https://portal.example.com"


def config(**settings: str) -> JwtConfig:
    return JwtConfig.from_config(
        {f"PLUGIN_JWT_{name}": value for name, value in settings.items()}.get, BASE_URL
    )


def refusal(variable: str, **settings: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config(**settings)
    assert caught.value.variable == f"PLUGIN_JWT_{variable}"
    value = settings[variable].strip()
    assert len(value) < 4 or value not in caught.value.problem
    return caught.value.problem


def pem(algorithm: str) -> str:
    key = signing_key(algorithm).key
    assert not isinstance(key, bytes)
    return to_pem(key).decode()


@pytest.mark.parametrize("blank", ["", "   "])
def test_blank_settings_mean_their_defaults(blank: str) -> None:
    names = [
        "ALGORITHM",
        "SECRET",
        "KID",
        "USER_ID_FIELD",
        "COMPANY_ID_FIELD",
        "EXPIRES_IN",
        "ISSUER",
        "AUDIENCE",
    ]
    assert config(**dict.fromkeys(names, blank)) == config() == JwtConfig(
        algorithm="RS256", secret=None, kid=None, user_id_field="sub", company_id_field="org_id",
        expires_in=timedelta(days=30), issuer=BASE_URL, audience=(),
    )  # fmt: skip


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_takes_its_own_key_with_its_thumbprint_as_kid(algorithm: str) -> None:
    key = signing_key(algorithm).key
    secret = key.decode() if isinstance(key, bytes) else pem(algorithm)
    found = config(ALGORITHM=algorithm, SECRET=secret)
    assert found.secret is not None
    assert found.secret.reveal() == secret
    assert found.kid == thumbprint(key)


@pytest.mark.parametrize("algorithm", sorted(ASYMMETRIC))
def test_asymmetric_algorithm_without_a_secret_leaves_the_keys_to_the_portal(algorithm: str) -> None:
    assert config(ALGORITHM=algorithm).secret is None


@pytest.mark.parametrize("algorithm", sorted(HMAC))
@pytest.mark.parametrize("secret", ["", "  "])
def test_hs_algorithm_without_a_secret_is_refused(algorithm: str, secret: str) -> None:
    assert algorithm in refusal("SECRET", ALGORITHM=algorithm, SECRET=secret)


@pytest.mark.parametrize("algorithm", ["none", "HS1", "RS257", "rs256 hs256", "ES256K"])
def test_unknown_algorithm_is_refused(algorithm: str) -> None:
    refusal("ALGORITHM", ALGORITHM=algorithm)


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_hs_secret_is_at_least_as_long_as_the_hash(algorithm: str, least: int) -> None:
    refusal("SECRET", ALGORITHM=algorithm, SECRET="x" * (least - 1))
    assert config(ALGORITHM=algorithm, SECRET="x" * least).secret


def test_hs_secret_keeps_the_space_around_it() -> None:
    found = config(ALGORITHM="HS256", SECRET=" " + "x" * 31)
    assert found.secret is not None
    assert found.secret.reveal() == " " + "x" * 31


@pytest.mark.parametrize(
    ("algorithm", "secret"),
    [("RS256", "not a key"), ("RS256", "ES256"), ("ES256", "ES384"), ("EdDSA", "RS256"), ("HS256", "RS256")],
)
def test_key_that_does_not_fit_the_algorithm_is_refused(algorithm: str, secret: str) -> None:
    refusal("SECRET", ALGORITHM=algorithm, SECRET=pem(secret) if secret in ALGORITHMS else secret)


def test_pem_may_have_escaped_line_breaks() -> None:
    escaped = pem("ES256").replace("\n", "\\n")
    assert config(ALGORITHM="ES256", SECRET=escaped).kid == thumbprint(signing_key("ES256").key)


def test_kid_may_be_given() -> None:
    assert config(ALGORITHM="ES256", SECRET=pem("ES256"), KID="2030-key").kid == "2030-key"


@pytest.mark.parametrize("kid", ["two words", "k" * 256, "schlüssel"])
def test_kid_that_gateways_would_stumble_over_is_refused(kid: str) -> None:
    refusal("KID", ALGORITHM="ES256", SECRET=pem("ES256"), KID=kid)


@pytest.mark.parametrize(
    "value", ["0", "-1", "-30d", "x", "30 bananas", "1.5d", "11y", "3651d", "99999999999"]
)
def test_bad_lifetime_is_refused(value: str) -> None:
    refusal("EXPIRES_IN", EXPIRES_IN=value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3600", 3600), ("90s", 90), ("12h", 43200), ("2 days", 172800), ("10y", 315360000)],
)
def test_lifetime_is_seconds_or_shorthand(value: str, seconds: int) -> None:
    assert config(EXPIRES_IN=value).expires_in == timedelta(seconds=seconds)


@pytest.mark.parametrize("name", [*sorted(RESERVED_CLAIMS), "EXP", "Iss", "two words", 'a"b', "x" * 101])
def test_reserved_or_unusable_field_names_are_refused(name: str) -> None:
    if name != "sub":
        refusal("USER_ID_FIELD", USER_ID_FIELD=name)
    if name != "org_id":
        refusal("COMPANY_ID_FIELD", COMPANY_ID_FIELD=name)


@pytest.mark.parametrize("company", ["tenant", "TENANT"])
def test_equal_field_names_are_refused(company: str) -> None:
    with pytest.raises(ConfigError, match=r"^PLUGIN_JWT_COMPANY_ID_FIELD: must differ"):
        config(USER_ID_FIELD="tenant", COMPANY_ID_FIELD=company)


def test_defaults_may_be_written_out() -> None:
    assert config(USER_ID_FIELD="sub", COMPANY_ID_FIELD="org_id") == config()


def test_issuer_and_audiences_are_taken_as_they_are() -> None:
    found = config(ISSUER="https://id.example.com/", AUDIENCE="a, b,a")
    assert (found.issuer, found.audience) == ("https://id.example.com/", ("a", "b"))


def test_issuer_with_a_line_break_is_refused() -> None:
    refusal("ISSUER", ISSUER="https://id.example.com\nx")


def test_secret_is_never_shown() -> None:
    found = config(ALGORITHM="HS256", SECRET="visible" * 8)
    assert "visible" not in f"{found!r} {found}"
