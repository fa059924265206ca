"""Keys under the libraries that gateways use, through a rotation and a revocation."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest

from tests.real import forged
from tests.real.portal import Owner, Portal
from tests.real.required import require_node
from tests.real.tls_proxy import TlsProxy
from tests.real.verifiers import AwsJwtVerify, Jose, Joserfc, NodeVerifier, PyJwt, Refused, Source, Verifier
from tests.real.waiting import eventually

JWKS = "/.well-known/jwks.json"
NewVerifier = Callable[..., Verifier]

# How each says no; the names pin that it refuses for the right reason.
REFUSALS: dict[type, dict[str, str]] = {
    PyJwt: {
        "signature": "InvalidSignatureError", "algorithm": "InvalidAlgorithmError",
        "unsigned": "InvalidAlgorithmError",
        "issuer": "InvalidIssuerError", "expired": "ExpiredSignatureError", "unknown": "PyJWKClientError",
    },
    Joserfc: {
        "signature": "BadSignatureError", "algorithm": "UnsupportedAlgorithmError",
        "unsigned": "UnsupportedAlgorithmError",
        "issuer": "InvalidClaimError", "expired": "ExpiredTokenError", "unknown": "InvalidKeyIdError",
    },
    Jose: {
        "signature": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "algorithm": "ERR_JOSE_NOT_SUPPORTED",
        "unsigned": "ERR_JOSE_NOT_SUPPORTED",
        "issuer": "ERR_JWT_CLAIM_VALIDATION_FAILED", "expired": "ERR_JWT_EXPIRED",
        "unknown": "ERR_JWKS_NO_MATCHING_KEY",
    },
    AwsJwtVerify: {
        "signature": "JwtInvalidSignatureError", "algorithm": "JwtInvalidSignatureAlgorithmError",
        "unsigned": "JwtParseError",
        "issuer": "JwtInvalidIssuerError", "expired": "JwtExpiredError", "unknown": "KidNotFoundInJwksError",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def proxy(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsProxy]:
    with TlsProxy(portal.url, tmp_path_factory.mktemp("tls")).serving() as proxy:
        yield proxy


@pytest.fixture(params=[PyJwt, Joserfc, Jose, AwsJwtVerify], ids=lambda library: library.__name__)
def library(request: pytest.FixtureRequest) -> type:
    if issubclass(request.param, NodeVerifier):
        require_node()
    return request.param


@pytest.fixture
def verifier(library: type, portal: Portal, proxy: TlsProxy) -> Iterator[NewVerifier]:
    """Makes a verifier of the library, with an empty cache."""
    made: list[Verifier] = []

    def make(*, issuer: str = portal.url, impatient: bool = False) -> Verifier:
        made.append(library(Source(proxy.url + JWKS, issuer, proxy.ca_file), impatient=impatient))
        return made[-1]

    yield make
    for verifier in made:
        verifier.close()


def refusal(verifier: Verifier, token: str) -> str | None:
    try:
        verifier.check(token)
    except Refused as exc:
        return str(exc)
    return None


def kid_of(key: dict[str, Any]) -> str:
    return str(jwt.get_unverified_header(key["secret"])["kid"])


def test_an_issued_key_is_accepted(portal: Portal, owner: Owner, verifier: NewVerifier) -> None:
    issued = portal.issue(owner, expires_in="1h")
    claims = verifier().check(issued["secret"])
    assert claims["iss"] == portal.url
    assert claims["org_id"] == owner.external_id
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["jti"] == issued["jti"]


@pytest.mark.parametrize(
    ("forge", "reason"), [(forged.tampered, "signature"), (forged.signed_by_a_stranger, "signature"), (forged.unsigned, "unsigned")],
)  # fmt: skip
def test_a_forged_token_is_refused(
    library: type, verifier: NewVerifier, portal: Portal, owner: Owner,
    forge: Callable[[str], str], reason: str,
) -> None:  # fmt: skip
    genuine = portal.issue(owner)["secret"]
    checking = verifier()
    assert refusal(checking, forge(genuine)) == REFUSALS[library][reason]
    assert refusal(checking, genuine) is None


def test_the_public_key_is_no_secret(
    library: type, verifier: NewVerifier, portal: Portal, owner: Owner
) -> None:
    genuine = portal.issue(owner)
    published = {jwk["kid"]: jwk for jwk in portal.get(JWKS).json()["keys"]}
    forgery = forged.signed_with_the_public_key(genuine["secret"], published[kid_of(genuine)])
    assert refusal(verifier(), forgery) == REFUSALS[library]["algorithm"]


def test_a_key_of_another_issuer_is_refused(
    library: type, verifier: NewVerifier, portal: Portal, owner: Owner
) -> None:
    elsewhere = verifier(issuer="https://portal.example.com")
    assert refusal(elsewhere, portal.issue(owner)["secret"]) == REFUSALS[library]["issuer"]


def test_an_expired_key_is_refused(
    library: type, verifier: NewVerifier, portal: Portal, owner: Owner
) -> None:
    short = portal.issue(owner, expires_in="1s")["secret"]
    end = jwt.decode(short, options={"verify_signature": False})["exp"]
    eventually(lambda: time.time() > end + 1, "the key has expired")
    assert refusal(verifier(), short) == REFUSALS[library]["expired"]


def test_a_rotation_refuses_no_key_and_needs_no_fetch(
    portal: Portal, owner: Owner, verifier: NewVerifier, proxy: TlsProxy
) -> None:
    before = portal.issue(owner)
    warm = verifier()
    assert refusal(warm, before["secret"]) is None
    fetches = proxy.fetched[JWKS]
    portal.rotate_signing_key()
    after = portal.issue(owner)
    assert kid_of(after) != kid_of(before)
    assert refusal(warm, after["secret"]) is None
    assert refusal(warm, before["secret"]) is None
    assert proxy.fetched[JWKS] == fetches  # the staged key was in the cache already
    assert refusal(verifier(), before["secret"]) is None  # and the former one still is for newcomers


def test_a_revoked_signing_key_ends_with_the_cache(
    library: type, portal: Portal, owner: Owner, verifier: NewVerifier
) -> None:
    stolen = portal.issue(owner)
    checking = verifier(impatient=True)
    assert refusal(checking, stolen["secret"]) is None
    done = portal.manage("revoke_signing_key", kid_of(stolen), "--reason", "leaked")
    hit = re.fullmatch(r"revoked \S+: (\d+) keys of (\d+) customers", done.stdout.strip())
    assert hit is not None
    assert int(hit[1]) >= int(hit[2]) >= 1
    assert portal.api("GET", f"/keys/{stolen['id']}").json()["status"] == "revoked"
    replacement = portal.issue(owner)
    assert refusal(checking, replacement["secret"]) is None

    said: list[str | None] = [None]

    def refused() -> bool:
        checking.renew()
        said.append(refusal(checking, stolen["secret"]))
        return said[-1] is not None

    eventually(refused, "the stolen key is refused")
    assert said[-1] == REFUSALS[library]["unknown"]
    assert refusal(checking, replacement["secret"]) is None
