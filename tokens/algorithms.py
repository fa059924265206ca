"""The thirteen signature algorithms and which keys fit them (RFC 7518 3, RFC 8037)."""

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from tokens.weak_keys import ed25519_weakness, rsa_weakness

PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class InvalidKey(ValueError):
    """A key that can't be used, or not with that algorithm. Its message never holds key material."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What an algorithm asks of its key; ``crv`` is the JWK curve, where there is one."""

    name: str
    kty: str
    digest_bytes: int
    crv: str | None = None


def _all_algorithms() -> list[Algorithm]:
    rsa = [Algorithm(f"{kind}{bits}", "RSA", bits // 8) for kind in ("RS", "PS") for bits in (256, 384, 512)]
    hmac = [Algorithm(f"HS{bits}", "oct", bits // 8) for bits in (256, 384, 512)]
    return [
        *rsa,
        Algorithm("ES256", "EC", 32, "P-256"),
        Algorithm("ES384", "EC", 48, "P-384"),
        Algorithm("ES512", "EC", 64, "P-521"),
        Algorithm("EdDSA", "OKP", 64, "Ed25519"),
        *hmac,
    ]


ALGORITHMS: Final = MappingProxyType({algorithm.name: algorithm for algorithm in _all_algorithms()})
HMAC: Final = frozenset(name for name, algorithm in ALGORITHMS.items() if algorithm.kty == "oct")
ASYMMETRIC: Final = frozenset(ALGORITHMS) - HMAC
CURVE_NAMES: Final = MappingProxyType({"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"})


def algorithm_named(name: str) -> Algorithm:
    """Return the algorithm; raises InvalidKey, which does not repeat the name, for an unknown one."""
    try:
        return ALGORITHMS[name]
    except (KeyError, TypeError):
        raise InvalidKey(f"the algorithm is none of {' '.join(ALGORITHMS)}") from None


def public_half(key: PrivateKey | PublicKey) -> PublicKey:
    """Return the public key of a private one, or the public key itself."""
    if isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey):
        return key.public_key()
    return key


def require_fit(key: PrivateKey | PublicKey | bytes, algorithm: str) -> None:
    """Raise InvalidKey unless the key is of the algorithm's type and curve and strong enough."""
    wanted = algorithm_named(algorithm)
    if isinstance(key, bytes):
        if wanted.kty != "oct":
            raise InvalidKey(f"{algorithm} needs a {wanted.kty} key, not a shared secret")
        _require_sound_secret(key, wanted)
        return
    public = public_half(key)
    found: tuple[str, str | None]
    weakness = None
    if isinstance(public, RSAPublicKey):
        found, weakness = ("RSA", None), rsa_weakness(public.public_numbers())
    elif isinstance(public, EllipticCurvePublicKey):
        found = ("EC", CURVE_NAMES.get(public.curve.name, "another curve"))
    elif isinstance(public, Ed25519PublicKey):
        found, weakness = ("OKP", "Ed25519"), ed25519_weakness(public.public_bytes_raw())
    else:
        raise InvalidKey("the key is neither RSA, EC nor Ed25519")
    if found != (wanted.kty, wanted.crv):
        raise InvalidKey(f"the key's type or curve does not fit {algorithm}")
    if weakness:
        raise InvalidKey(weakness)


def _require_sound_secret(secret: bytes, wanted: Algorithm) -> None:
    if len(secret) < wanted.digest_bytes:  # RFC 7518 3.2
        raise InvalidKey(f"the {wanted.name} secret is shorter than {wanted.digest_bytes} bytes")
    if _looks_like_key(secret):
        raise InvalidKey(f"the {wanted.name} secret looks like a key file")


@lru_cache(maxsize=32)
def _looks_like_key(secret: bytes) -> bool:
    """Remembered: looking takes longer than signing, and there are few secrets."""
    # A public key as HMAC secret is what algorithm confusion lives on; PyJWT knows PEM, SSH, DER and JWK
    # but asks for complete PEM, so that one with escaped line ends slips through.
    if any(marker in secret for marker in (b"-----BEGIN", b"---- BEGIN", b"PuTTY-User-Key")):
        return True
    try:
        jwt.get_algorithm_by_name("HS256").prepare_key(secret)
    except jwt.InvalidKeyError:
        return True
    return False
