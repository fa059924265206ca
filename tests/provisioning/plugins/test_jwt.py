from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from provisioning.config import environ_get_config
from provisioning.contract import CreatedKey, KeyRef, KeyRequest, Plugin, SigningKey, Toolbox, capabilities
from provisioning.errors import Misconfigured, Rejected
from provisioning.plugins.jwt import JwtPlugin
from provisioning.testing import FixedSigner, MemoryLedger, PluginContract, make_toolbox
from tests.provisioning.signing_keys import signing_key, verification_key
from tokens.jwk import ALGORITHMS

NOW = datetime(2030, 1, 1, 12, 0, 0, 987654, tzinfo=UTC)
REQUEST = KeyRequest(marker="m-1", key_id="key_1", user_id="usr_1", name="CI")
STATUS = {
    "status": {"status_list": {"idx": 7, "uri": "https://portal.example.com/.well-known/status-lists/0"}}
}
AUDIENCE = "https://api.example.com"
LEDGER = MemoryLedger()


def toolbox(signing: SigningKey | None = None) -> Toolbox:
    return make_toolbox(signing or signing_key("ES256"), now=lambda: NOW)


def mint(request: KeyRequest = REQUEST, **settings: str) -> CreatedKey:
    plugin = JwtPlugin.from_config(settings.get, toolbox())
    return plugin.create_api_key(
        "acme", "ann@example.com", request=request, calls=LEDGER.calls("acme", request.marker)
    )


def read(created: CreatedKey, signing: SigningKey | None = None) -> dict[str, Any]:
    """The verified claims, read by PyJWT rather than by our own verifier."""
    signing = signing or signing_key("ES256")
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    key: Any = verification_key(signing)
    claims: dict[str, Any] = jwt.decode(
        created.secret.reveal(), key, algorithms=[signing.algorithm], options=options
    )
    return claims


def header(created: CreatedKey) -> dict[str, Any]:
    return jwt.get_unverified_header(created.secret.reveal())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_key_is_signed_with_the_current_key_of_any_algorithm(algorithm: str) -> None:
    signing = signing_key(algorithm)
    plugin = JwtPlugin.from_config({"PLUGIN_JWT_ISSUER": "me"}.get, toolbox(signing))
    created = plugin.create_api_key("acme", "a@b.c", request=REQUEST, calls=LEDGER.calls("acme", "m-1"))
    assert header(created) == {"alg": algorithm, "kid": signing.kid, "typ": "JWT"}
    assert read(created, signing)["iss"] == "me"
    assert created.kid == signing.kid


def test_claims_are_exactly_those_documented() -> None:
    created = mint()
    issued_at = int(NOW.timestamp())
    assert read(created) == {
        "iss": "https://portal.example.com",
        "sub": "usr_1",
        "org_id": "acme",
        "iat": issued_at,
        "exp": issued_at + 30 * 86400,
        "jti": created.jti,
    }
    assert created.external_id == created.jti
    assert created.expires_at == datetime.fromtimestamp(issued_at + 30 * 86400, UTC)
    assert created.public == {}


def test_times_are_whole_numbers() -> None:
    claims = read(mint(replace(REQUEST, expires_in=timedelta(hours=1, milliseconds=5))))
    assert type(claims["iat"]) is type(claims["exp"]) is int
    assert claims["exp"] - claims["iat"] == 3600


def test_email_stays_out_of_the_token() -> None:
    assert "ann" not in str(read(mint()))


def test_two_keys_in_one_second_differ() -> None:
    first, second = mint(), mint()
    assert first.jti != second.jti
    assert first.secret != second.secret


def test_scopes_are_separated_by_spaces_and_absent_when_there_are_none() -> None:
    assert read(mint(replace(REQUEST, scopes=("a:read", "a:write"))))["scope"] == "a:read a:write"
    assert "scope" not in read(mint())


@pytest.mark.parametrize("scope", ["", "a b", 'a"b', "a\\b", "ä", "a\n"])
def test_scope_that_would_read_as_another_is_rejected(scope: str) -> None:
    with pytest.raises(Rejected, match="invalid_scope"):
        mint(replace(REQUEST, scopes=("a", scope)))


def test_status_claim_is_carried() -> None:
    assert read(mint(replace(REQUEST, claims=STATUS)))["status"] == STATUS["status"]


@pytest.mark.parametrize("claim", ["iss", "sub", "org_id", "exp", "iat", "jti"])
def test_request_claim_can_not_replace_one_of_ours(claim: str) -> None:
    assert read(mint(replace(REQUEST, claims={claim: "forged"})))[claim] != "forged"


def test_requested_lifetime_wins_over_the_configured_one() -> None:
    claims = read(mint(replace(REQUEST, expires_in=timedelta(minutes=5)), PLUGIN_JWT_EXPIRES_IN="1y"))
    assert claims["exp"] - claims["iat"] == 300


@pytest.mark.parametrize(
    "lifetime",
    [timedelta(0), timedelta(milliseconds=999), timedelta(days=-1), timedelta(days=3651), timedelta.max],
)
def test_impossible_lifetime_is_rejected(lifetime: timedelta) -> None:
    with pytest.raises(Rejected, match="invalid_lifetime"):
        mint(replace(REQUEST, expires_in=lifetime))


def test_one_audience_is_text_and_the_token_an_rfc_9068_access_token() -> None:
    created = mint(PLUGIN_JWT_AUDIENCE=AUDIENCE)
    claims = read(created)
    assert (claims["aud"], claims["client_id"]) == (AUDIENCE, "key_1")
    assert header(created)["typ"] == "at+jwt"


def test_several_audiences_are_a_list() -> None:
    assert read(mint(PLUGIN_JWT_AUDIENCE=f"{AUDIENCE}, other"))["aud"] == [AUDIENCE, "other"]


def test_renamed_user_field_keeps_sub_beside_it() -> None:
    claims = read(mint(PLUGIN_JWT_USER_ID_FIELD="user_id"))
    assert claims["user_id"] == claims["sub"] == "usr_1"


def test_renamed_company_field_replaces_org_id() -> None:
    claims = read(mint(PLUGIN_JWT_COMPANY_ID_FIELD="https://example.com/company"))
    assert claims["https://example.com/company"] == "acme"
    assert "org_id" not in claims


def test_rotated_key_signs_from_the_next_key_on() -> None:
    signer = FixedSigner(signing_key("ES256"))
    plugin = JwtPlugin.from_config(environ_get_config({}), replace(toolbox(), signer=signer))
    signer.signing_key = signing_key("EdDSA")
    created = plugin.create_api_key("acme", "a@b.c", request=REQUEST, calls=LEDGER.calls("acme", "m-1"))
    assert created.kid == "kid-EdDSA"
    assert read(created, signing_key("EdDSA"))["sub"] == "usr_1"


def test_without_a_signing_key_no_key_is_made_and_check_says_so() -> None:
    plugin = JwtPlugin.from_config(environ_get_config({}), make_toolbox())
    with pytest.raises(Misconfigured):
        plugin.create_api_key("acme", "a@b.c", request=REQUEST, calls=LEDGER.calls("acme", "m-1"))
    assert [problem.code for problem in plugin.check()] == ["no_signing_key"]
    assert JwtPlugin.from_config(environ_get_config({}), toolbox()).check() == []


def test_plugin_is_local_and_offers_revoke_and_check() -> None:
    plugin: Plugin = JwtPlugin.from_config(environ_get_config({}), toolbox())
    assert plugin.local
    assert capabilities(plugin) == ["revoke", "check"]


class TestContract(PluginContract):
    def setup_method(self) -> None:
        self.signer = FixedSigner(signing_key("ES256"))

    def make_plugin(self) -> JwtPlugin:
        settings = {"PLUGIN_JWT_ALGORITHM": "HS256", "PLUGIN_JWT_SECRET": self.secrets()[0]}
        return JwtPlugin.from_config(settings.get, replace(toolbox(), signer=self.signer))

    def granted_scopes(self, created: CreatedKey) -> frozenset[str]:
        return frozenset(str(read(created)["scope"]).split(" "))

    def faults(self) -> Mapping[str, AbstractContextManager[object]]:
        return {"no signing key": self._without_key()}

    def secrets(self) -> list[str]:
        return ["an HS256 secret of enough characters"]

    @contextmanager
    def _without_key(self) -> Iterator[None]:
        key, self.signer.signing_key = self.signer.signing_key, None
        yield
        self.signer.signing_key = key


class SameTokenPlugin(JwtPlugin):
    """Broken on purpose, to see that the suite also watches local plugins."""

    made: CreatedKey | None = None

    def create_api_key(self, *args: Any, **options: Any) -> CreatedKey:
        SameTokenPlugin.made = SameTokenPlugin.made or super().create_api_key(*args, **options)
        return SameTokenPlugin.made


def test_suite_fails_a_local_plugin_that_repeats_a_token() -> None:
    class Suite(TestContract):
        def make_plugin(self) -> JwtPlugin:
            return SameTokenPlugin.from_config(environ_get_config({}), toolbox())

    suite = Suite()
    suite.setup_method()
    with pytest.raises(AssertionError):
        suite.test_two_requests_make_two_credentials()


def test_revoking_needs_nothing() -> None:
    JwtPlugin.from_config(environ_get_config({}), toolbox()).revoke("acme", KeyRef("m-1", "key_1", "jti"))
