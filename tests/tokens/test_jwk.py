"""JSON Web Keys, written and read."""

import json
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.tokens.keys import signing_key
from tokens import base64url
from tokens.jwk import ASYMMETRIC, InvalidKey, public_jwk, public_key_from_jwk, thumbprint

PARAMETERS = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}
# RFC 7638 section 3.1, with the member names that the thumbprint leaves out.
RFC_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
    "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgn"
    "Yb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0L"
    "s1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def jwk(algorithm: str = "ES256", **changes: object) -> dict[str, object]:
    """The public JWK of our key, with changes; None removes a member."""
    key = signing_key(algorithm)
    assert not isinstance(key, bytes)
    members = public_jwk(key, kid="k1", algorithm=algorithm) | changes
    return {name: value for name, value in members.items() if value is not None}


def secret_jwk(secret: bytes = bytes(range(64)), **changes: object) -> dict[str, object]:
    return {"kty": "oct", "alg": "HS256", "k": base64url.encode(secret)} | changes


def test_thumbprint_is_that_of_the_rfc() -> None:
    _, key = public_key_from_jwk(RFC_7638)

    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("algorithm", sorted(ASYMMETRIC))
def test_private_key_and_its_public_half_have_one_thumbprint(algorithm: str) -> None:
    _, public = public_key_from_jwk(jwk(algorithm))

    assert thumbprint(signing_key(algorithm)) == thumbprint(public)


def test_thumbprint_of_a_shared_secret_is_that_of_the_oct_key() -> None:
    # The SHA-256 of {"k":"AAAA…","kty":"oct"}, computed apart.
    assert thumbprint(bytes(32)) == "9nnxVaRYos6pwySYZALWRL64fgG5CMX9No3tAqd5urU"


@pytest.mark.parametrize("algorithm", sorted(ASYMMETRIC))
def test_public_jwk_has_exactly_the_public_members(algorithm: str) -> None:
    written = jwk(algorithm)

    assert written.keys() == {"kty", "kid", "alg", "use"} | PARAMETERS[str(written["kty"])]
    assert (written["kid"], written["alg"], written["use"]) == ("k1", algorithm, "sig")
    assert all(isinstance(value, str) for value in written.values())


@pytest.mark.parametrize("algorithm", sorted(ASYMMETRIC))
def test_public_jwk_is_read_back(algorithm: str) -> None:
    found, key = public_key_from_jwk(jwk(algorithm))

    assert found == algorithm
    assert thumbprint(key) == thumbprint(signing_key(algorithm))


def key_with_short_coordinate(crv: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    """A key whose x or y begins with a zero octet: about one in 128."""
    bits = 8 * ((crv.key_size + 7) // 8) - 8
    for scalar in range(2, 5000):
        key = ec.derive_private_key(scalar, crv)
        point = key.public_key().public_numbers()
        # P-521 coordinates fill 66 octets with 7 spare bits, so "short" there is below 2^520.
        if min(point.x, point.y) < 2**bits:
            return key
    raise AssertionError("no such key found")


@pytest.mark.parametrize(
    ("algorithm", "crv", "width"),
    [("ES256", ec.SECP256R1(), 32), ("ES384", ec.SECP384R1(), 48), ("ES512", ec.SECP521R1(), 66)],
)
def test_coordinates_keep_their_leading_zeros(algorithm: str, crv: ec.EllipticCurve, width: int) -> None:
    key = key_with_short_coordinate(crv)

    written = public_jwk(key, kid="k", algorithm=algorithm)

    assert [len(base64url.decode(written[name])) for name in ("x", "y")] == [width, width]
    assert thumbprint(public_key_from_jwk(written)[1]) == thumbprint(key)


def test_modulus_has_no_leading_zero() -> None:
    octets = base64url.decode(str(jwk("RS256")["n"]))

    assert len(octets) == 256
    assert octets[0] >= 0x80


@pytest.mark.parametrize(("kind", "algorithm"), [("RS256", "ES256"), ("ES256", "ES384"), ("EdDSA", "RS256")])
def test_public_jwk_is_refused_for_another_algorithm(kind: str, algorithm: str) -> None:
    with pytest.raises(InvalidKey):
        public_jwk(signing_key(kind), kid="k", algorithm=algorithm)  # type: ignore[arg-type]


def test_shared_secret_has_no_public_jwk() -> None:
    with pytest.raises(InvalidKey, match="secret"):
        public_jwk(signing_key("HS256"), kid="k", algorithm="HS256")  # type: ignore[arg-type]


def leading_zero(value: object) -> str:
    return base64url.encode(b"\0" + base64url.decode(str(value)))


def coprime_to_small_primes(bits: int) -> int:
    """A modulus of that size that only its size or its double can be held against."""
    return next(n for n in range(2 ** (bits - 1), 2**bits) if all(n % d for d in range(2, 168)))


def refused() -> dict[str, Mapping[str, object]]:
    """Keys that must not be imported; each is a good one with one thing wrong."""
    p256, rsa_key, ed = jwk("ES256"), jwk("RS256"), jwk("EdDSA")
    x = str(p256["x"])
    return {
        "use enc": p256 | {"use": "enc"},
        "use null": p256 | {"use": None},
        "use list": p256 | {"use": ["sig"]},
        "key_ops sign": p256 | {"key_ops": ["sign"]},
        "key_ops text": p256 | {"key_ops": "verify"},
        "key_ops null": p256 | {"key_ops": None},
        "alg of another curve": p256 | {"alg": "ES384"},
        "alg of another type": p256 | {"alg": "RS256"},
        "alg none": p256 | {"alg": "none"},
        "alg HS256": p256 | {"alg": "HS256"},
        "alg for encryption": rsa_key | {"alg": "RSA-OAEP"},
        "alg null": p256 | {"alg": None},
        "alg list": p256 | {"alg": ["ES256"]},
        "kty of another type": p256 | {"kty": "RSA"},
        "kty in another case": p256 | {"kty": "ec"},
        "kty list": p256 | {"kty": ["EC"]},
        "crv secp256k1": p256 | {"crv": "secp256k1"},
        "crv in an RSA key": rsa_key | {"crv": "P-256"},
        "Ed448": ed | {"crv": "Ed448"},
        "X25519": ed | {"crv": "X25519"},
        "RSA without alg": jwk("RS256", alg=None),
        "no kty": jwk("ES256", kty=None),
        "no y": jwk("ES256", y=None),
        "x a number": p256 | {"x": 5},
        "x padded": p256 | {"x": x + "="},
        "x with a space": p256 | {"x": " " + x},
        "x with a line end": p256 | {"x": x + "\n"},
        "x in the other alphabet": p256 | {"x": "+" + x[1:]},
        "x with unused bits": p256 | {"x": x[:-1] + chr(ord(x[-1]) + 1)},
        "x too short": p256 | {"x": base64url.encode(base64url.decode(x)[1:])},
        "x too long": p256 | {"x": leading_zero(x)},
        "point off the curve": p256 | {"x": base64url.encode(bytes(31) + b"\x05")},
        "point zero": p256 | {"x": base64url.encode(bytes(32)), "y": base64url.encode(bytes(32))},
        "n with a leading zero": rsa_key | {"n": leading_zero(rsa_key["n"])},
        "n empty": rsa_key | {"n": ""},
        "n even": rsa_key | {"n": base64url.encode_integer(2 * coprime_to_small_primes(2050))},
        "n with a small factor": rsa_key | {"n": base64url.encode(b"\xff" * 256)},
        "n of 9000 bits": rsa_key | {"n": base64url.encode_integer(coprime_to_small_primes(9000))},
        "e one": rsa_key | {"e": "AQ"},
        "e three": rsa_key | {"e": "Aw"},
        "e even": rsa_key | {"e": base64url.encode_integer(65538)},
        "e huge": rsa_key | {"e": base64url.encode_integer(2**300 + 1)},
        "e with a leading zero": rsa_key | {"e": leading_zero("AQAB")},
        "Ed25519 too short": ed | {"x": base64url.encode(bytes(31))},
        "Ed25519 of small order": ed | {"x": base64url.encode(b"\1" + bytes(31))},
        "Ed25519 of small order, signed": ed | {"x": base64url.encode(b"\1" + bytes(30) + b"\x80")},
        "Ed25519 not canonical": ed | {"x": base64url.encode(b"\xee" + b"\xff" * 30 + b"\x7f")},
        "private d": p256 | {"d": x},
        "private d in RSA": rsa_key | {"d": "AQAB"},
        "k in an EC key": p256 | {"k": "AAAA"},
        "empty": {},
    }


@pytest.mark.parametrize("flaw", sorted(refused()))
def test_flawed_key_is_refused(flaw: str) -> None:
    with pytest.raises(InvalidKey):
        public_key_from_jwk(refused()[flaw])


def test_private_jwk_is_refused_for_being_private() -> None:
    with pytest.raises(InvalidKey, match="private members"):
        public_key_from_jwk(jwk("EdDSA", d=base64url.encode(bytes(32))))


def test_algorithm_is_the_only_one_of_the_curve_when_none_is_named() -> None:
    assert public_key_from_jwk(jwk("ES384", alg=None))[0] == "ES384"
    assert public_key_from_jwk(jwk("EdDSA", alg=None))[0] == "EdDSA"


def test_caller_may_name_the_algorithm_that_the_key_leaves_open() -> None:
    assert public_key_from_jwk(jwk("RS256", alg=None), "PS384")[0] == "PS384"


@pytest.mark.parametrize(("kind", "named"), [("RS256", "PS256"), ("ES256", "ES384"), ("EdDSA", "HS256")])
def test_caller_can_not_override_the_key(kind: str, named: str) -> None:
    with pytest.raises(InvalidKey):
        public_key_from_jwk(jwk(kind), named)


def test_other_members_are_ignored() -> None:
    extra = jwk("ES256", use=None, key_ops=["verify"], x5u="https://evil.example", x5c=["?"], ext=True)

    assert public_key_from_jwk(extra)[0] == "ES256"


def test_shared_secret_is_imported_only_when_asked_for() -> None:
    assert public_key_from_jwk(secret_jwk(), allow_oct=True) == ("HS256", bytes(range(64)))
    with pytest.raises(InvalidKey, match="shared secret"):
        public_key_from_jwk(secret_jwk())


@pytest.mark.parametrize(
    "flawed",
    [
        secret_jwk(bytes(31)),
        secret_jwk(k=""),
        secret_jwk(alg="ES256"),
        secret_jwk(alg=None),
        secret_jwk(b"-----BEGIN PUBLIC KEY-----\n" + bytes(range(40))),
        secret_jwk(d="AAAA"),
    ],
)
def test_flawed_shared_secret_is_refused(flawed: Mapping[str, object]) -> None:
    with pytest.raises(InvalidKey):
        public_key_from_jwk(flawed, allow_oct=True)


def test_refusals_never_hold_key_material() -> None:
    secret = base64url.encode(b"correct horse battery staple")
    for flawed in (secret_jwk(k=secret), jwk("ES256", d=secret), jwk("ES256", x=secret)):
        with pytest.raises(InvalidKey) as refusal:
            public_key_from_jwk(flawed, allow_oct=True)
        assert secret not in json.dumps(str(refusal.value))


def test_small_order_points_really_verify_anything() -> None:
    """Why they are refused: with the identity as key, (identity, 0) signs every message."""
    identity = b"\1" + bytes(31)

    # Returns None for a good signature, raises for any other.
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"any message")
