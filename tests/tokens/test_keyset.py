"""Key sets and the JWKS document."""

import json

import pytest

from tests.tokens.keys import key_set, signing_key, verifying_half
from tokens.jwk import ASYMMETRIC, InvalidKey, PublicKey, public_jwk, thumbprint
from tokens.keyset import KeySet, VerificationKey


def verification_key(kid: str, algorithm: str = "ES256", number: int = 0) -> VerificationKey:
    return VerificationKey(kid, algorithm, verifying_half(signing_key(algorithm, number)))


def public(algorithm: str = "ES256", kid: str = "k1", **changes: object) -> dict[str, object]:
    key: PublicKey = verifying_half(signing_key(algorithm))  # type: ignore[assignment]
    return public_jwk(key, kid=kid, algorithm=algorithm) | changes


def test_key_is_found_by_its_kid_and_unknown_ids_are_none() -> None:
    keys = key_set("ES256", "HS256")

    assert keys.get("HS256") == verification_key("HS256", "HS256")
    assert keys.get("es256") is None
    assert keys.get("") is None
    assert [key.kid for key in keys] == ["ES256", "HS256"]
    assert len(keys) == 2
    assert len(KeySet()) == 0


def test_two_keys_with_one_kid_are_refused() -> None:
    with pytest.raises(ValueError, match="same kid"):
        KeySet([verification_key("k1"), verification_key("k1", number=1)])


@pytest.mark.parametrize(
    ("kind", "algorithm"), [("RS256", "HS256"), ("HS256", "RS256"), ("ES256", "ES384"), ("RS256", "none")]
)
def test_key_is_bound_to_an_algorithm_that_fits_it(kind: str, algorithm: str) -> None:
    with pytest.raises(InvalidKey):
        VerificationKey("k1", algorithm, verifying_half(signing_key(kind)))


def test_repr_never_shows_a_key() -> None:
    keys = KeySet([VerificationKey("k1", "HS256", b"correct horse battery staple 0123456789")])

    assert "k1" in repr(keys)
    assert "correct" not in repr(keys) + repr(keys.get("k1"))


def test_document_is_read_back() -> None:
    members = [public_jwk(signing_key(name), kid=name, algorithm=name) for name in sorted(ASYMMETRIC)]
    keys = KeySet.from_jwks(json.loads(json.dumps({"keys": members})))

    assert [(key.kid, key.algorithm) for key in keys] == [(name, name) for name in sorted(ASYMMETRIC)]
    assert all(thumbprint(key.key) == thumbprint(signing_key(key.algorithm)) for key in keys)


def test_keys_that_can_not_be_used_are_left_out() -> None:
    strange: list[object] = [
        {"kty": "AKP", "alg": "ML-DSA-65", "kid": "post-quantum", "pub": "AAAA"},
        {"kty": "oct", "alg": "HS256", "kid": "secret", "k": "A" * 86},
        public("ES256", "for-encryption", use="enc"),
        public("RS256", "weak", e="Aw"),
        public("RS256", "leaked", d="AAAA"),
        public("ES256", "unknown", alg="ES256K", crv="secp256k1"),
        public("ES256", kid=None),  # type: ignore[arg-type]
        public("ES256", kid=7),  # type: ignore[arg-type]
        {},
    ]

    keys = KeySet.from_jwks({"keys": [*strange, public("ES256", "good")], "extra": 1})

    assert [key.kid for key in keys] == ["good"]


def test_unusable_key_does_not_claim_a_kid() -> None:
    keys = KeySet.from_jwks({"keys": [public("RS256", use="enc"), public("ES256")]})

    assert [key.algorithm for key in keys] == ["ES256"]


def test_document_with_a_repeated_kid_is_refused() -> None:
    with pytest.raises(ValueError, match="same kid"):
        KeySet.from_jwks({"keys": [public("ES256"), public("ES384")]})


@pytest.mark.parametrize(
    "document",
    [None, [], "{}", 5, {}, {"keys": None}, {"keys": {}}, {"keys": "k"}, {"keys": [1]}, {"keys": [[]]}, public()],
)  # fmt: skip
def test_malformed_document_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match="JWK Set"):
        KeySet.from_jwks(document)


def test_empty_document_is_an_empty_set() -> None:
    assert len(KeySet.from_jwks({"keys": []})) == 0
