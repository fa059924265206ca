"""Tokens that somebody forged: only InvalidToken comes out, whatever goes in."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokens.keys import (
    claims,
    key_set,
    raw_token,
    signing_key,
    token,
    verifier,
    verifying_half,
)
from tokens import base64url
from tokens.jwk import ALGORITHMS, InvalidKey, public_jwk
from tokens.keyset import KeySet, VerificationKey
from tokens.sign import sign
from tokens.verify import InvalidToken, Verifier

KINDS = ("RS256", "ES256", "EdDSA", "HS256")


def refusal(text: str | bytes, rules: Verifier | None = None) -> str:
    with pytest.raises(InvalidToken) as refused:
        (rules or verifier(*ALGORITHMS)).verify(text)
    return refused.value.code


def hmac_token(secret: bytes, header: Mapping[str, object]) -> str:
    """HS256 by hand: the library would refuse a PEM as secret."""
    signing_input = ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, claims()))
    return f"{signing_input}.{base64url.encode(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"


def public_encodings(algorithm: str) -> list[bytes]:
    key = verifying_half(signing_key(algorithm))
    assert not isinstance(key, bytes)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    jwk = json.dumps(public_jwk(key, kid=algorithm, algorithm=algorithm)).encode()
    return [pem, pem.strip(), der, jwk]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_public_key_is_no_hmac_secret(algorithm: str) -> None:
    for secret in public_encodings(algorithm):
        forged = hmac_token(secret, {"alg": "HS256", "kid": algorithm, "typ": "JWT"})
        assert refusal(forged) == "wrong_algorithm"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_public_key_can_not_even_be_configured_as_secret(algorithm: str) -> None:
    for secret in public_encodings(algorithm):
        with pytest.raises(InvalidKey):
            VerificationKey("k", "HS256", secret)


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE"])
@pytest.mark.parametrize("mark", ["", "AA", "genuine"])
def test_unsigned_token_is_refused(alg: str, mark: str) -> None:
    text = raw_token(json.dumps(claims()).encode(), header={"alg": alg, "kid": "ES256", "typ": "JWT"})
    signing_input, _, genuine = text.rpartition(".")

    assert refusal(f"{signing_input}.{genuine if mark == 'genuine' else mark}") == "wrong_algorithm"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_rogue_key_under_a_known_kid_is_refused(algorithm: str) -> None:
    forged = sign(claims(), key=signing_key(algorithm, 1), kid=algorithm, algorithm=algorithm)

    assert refusal(forged) == "bad_signature"


@pytest.mark.parametrize("kid", ["", "unknown", "../../etc/passwd", "ES256\0", "' OR 1=1 --", "es256"])
def test_rogue_key_under_an_unknown_kid_is_refused(kid: str) -> None:
    assert refusal(sign(claims(), key=signing_key("ES256", 1), kid=kid, algorithm="ES256")) == "unknown_key"


@pytest.mark.parametrize("kid", [None, 7, ["ES256"], {}, True])
def test_kid_is_required_and_text(kid: object) -> None:
    header = {"alg": "ES256", "typ": "JWT", "kid": kid}

    assert refusal(raw_token(b"{}", header=header)) == "malformed"
    del header["kid"]
    assert refusal(raw_token(b"{}", header=header)) == "malformed"


def test_key_brought_along_in_the_header_is_ignored() -> None:
    rogue = signing_key("ES256", 1)
    assert not isinstance(rogue, bytes)
    forged = jwt.PyJWS().encode(
        json.dumps(claims()).encode(),
        rogue,
        "ES256",
        headers={
            "kid": "ES256",
            "jwk": public_jwk(rogue, kid="ES256", algorithm="ES256"),
            "jku": "https://evil.example/jwks",
            "x5u": "https://evil.example/cert",
            "x5c": ["AAAA"],
        },
    )

    assert refusal(forged) == "bad_signature"


def test_header_that_only_names_foreign_keys_does_no_harm() -> None:
    header = {"alg": "ES256", "kid": "ES256", "typ": "JWT", "jku": "https://evil.example", "jwk": {}}

    assert verifier().verify(raw_token(json.dumps(claims()).encode(), header=header))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("other", ALGORITHMS)
def test_token_of_one_key_never_passes_under_another(algorithm: str, other: str) -> None:
    header = {"alg": algorithm, "kid": other, "typ": "JWT"}
    text = raw_token(json.dumps(claims()).encode(), algorithm, header)

    if other == algorithm:
        assert verifier(*ALGORITHMS).verify(text).kid == algorithm
    else:
        # HS keys here are one secret: only the binding of key and algorithm keeps them apart.
        assert refusal(text) == "wrong_algorithm"


def test_token_signed_by_a_key_that_was_dropped_is_refused() -> None:
    remaining = KeySet(key for key in key_set("ES256", "RS256") if key.kid != "ES256")

    assert refusal(token("ES256"), Verifier(remaining, "https://portal.example")) == "unknown_key"


# Fuzzing: whatever goes in, InvalidToken or nothing comes out.


def outcome(text: object) -> bool:
    """Whether the token passed; any other exception than InvalidToken fails the test."""
    try:
        verifier(*KINDS).verify(text)  # type: ignore[arg-type]
    except InvalidToken:
        return False
    return True


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["ES256", "RS256", "none", "JWT", "https://portal.example"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
NAMES = ["alg", "kid", "typ", "crit", "b64", "jwk", "jku"]
NAMES += ["iss", "sub", "exp", "iat", "nbf", "aud", "jti", "scope", "client_id"]
objects = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), json_values, max_size=6)


@settings(deadline=None)
@given(st.text() | st.binary() | st.none() | st.integers())
def test_random_input_is_only_an_invalid_token(text: object) -> None:
    assert not outcome(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("ABab09-_=. e", max_size=60), min_size=1, max_size=5).map(".".join))
def test_random_segments_are_only_an_invalid_token(text: str) -> None:
    assert not outcome(text)


@settings(max_examples=300, deadline=None)
@given(header=objects, payload=objects, mark=st.binary(max_size=300))
def test_random_json_is_only_an_invalid_token(
    header: dict[str, object], payload: dict[str, object], mark: bytes
) -> None:
    parts = [json.dumps(part).encode() for part in (header, payload)]

    assert not outcome(".".join(base64url.encode(part) for part in (*parts, mark)))


@settings(max_examples=300, deadline=None)
@given(changes=objects)
def test_signed_but_strange_claims_raise_nothing_else(changes: dict[str, object]) -> None:
    """Here the signature is good, so every check of the claims is reached."""
    outcome(raw_token(json.dumps(claims() | changes).encode()))


@settings(max_examples=300, deadline=None)
@given(changes=objects)
def test_signed_but_strange_headers_raise_nothing_else(changes: dict[str, object]) -> None:
    header = {"alg": "ES256", "kid": "ES256", "typ": "JWT"} | changes
    outcome(raw_token(json.dumps(claims()).encode(), header=header))


@settings(max_examples=200, deadline=None)
@given(payload=st.binary(max_size=400))
def test_signed_random_octets_raise_nothing_else(payload: bytes) -> None:
    assert not outcome(raw_token(payload))


@pytest.mark.parametrize("algorithm", KINDS)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_mutated_token_never_passes(algorithm: str, data: st.DataObject) -> None:
    text = token(algorithm)
    place = data.draw(st.integers(0, len(text) - 1))
    kind = data.draw(st.sampled_from(["replace", "insert", "delete", "cut", "repeat"]))
    piece = data.draw(st.text("ABCabc019-_.=+/ é\0", min_size=1, max_size=3))
    mutated = {
        "replace": text[:place] + piece + text[place + len(piece) :],
        "insert": text[:place] + piece + text[place:],
        "delete": text[:place] + text[place + len(piece) :],
        "cut": text[:place],
        "repeat": text[:place] + text[place:] * 2,
    }[kind]

    # ECDSA, EdDSA and RSA signatures and MACs have one spelling each here, so any change is a forgery.
    assert outcome(mutated) is (mutated == text)


def test_good_token_of_the_fuzzed_kinds_passes() -> None:
    assert all(outcome(token(algorithm)) for algorithm in KINDS)
    assert not outcome(secrets.token_urlsafe(300))
