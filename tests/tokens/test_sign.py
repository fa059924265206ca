"""Signing tokens."""

import json
from typing import Any

import joserfc.jwt
import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.tokens.keys import claims, signing_key, token, verifier
from tokens import base64url
from tokens.jwk import ALGORITHMS, InvalidKey, to_pem
from tokens.sign import sign

OTHER_LIBRARY: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey, "oct": OctKey}


def parts(text: str) -> list[dict[str, object]]:
    return [json.loads(base64url.decode(segment)) for segment in text.split(".")[:2]]


def test_header_holds_alg_kid_and_typ_only() -> None:
    header, payload = parts(token("ES256", typ="at+jwt", x=1))

    assert header == {"alg": "ES256", "kid": "ES256", "typ": "at+jwt"}
    assert payload == claims(x=1)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signed_token_verifies(algorithm: str) -> None:
    verified = verifier(*ALGORITHMS).verify(token(algorithm))

    assert (verified.kid, verified.claims) == (algorithm, claims())


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864 renames it; gateways know no other name
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signed_token_verifies_with_another_library(algorithm: str) -> None:
    key = signing_key(algorithm)
    material = key if isinstance(key, bytes) else to_pem(key)
    foreign = OTHER_LIBRARY[ALGORITHMS[algorithm].kty].import_key(material)

    assert joserfc.jwt.decode(token(algorithm), foreign, algorithms=[algorithm]).claims == claims()


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("RS256", "ES256"), ("ES256", "ES512"), ("HS256", "RS256"), ("RS256", "none"), ("HS256", "none")],
)
def test_key_that_does_not_fit_signs_nothing(kind: str, algorithm: str) -> None:
    with pytest.raises(InvalidKey):
        sign(claims(), key=signing_key(kind), kid="k", algorithm=algorithm)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", object()])
def test_claims_that_json_can_not_carry_are_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        token(x=value)
