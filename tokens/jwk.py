"""Keys: made, loaded from settings, written as JSON Web Keys (RFC 7517) and read back strictly."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tokens import base64url
from tokens.algorithms import (
    ALGORITHMS,
    ASYMMETRIC,
    CURVE_NAMES,
    HMAC,
    Algorithm,
    InvalidKey,
    PrivateKey,
    PublicKey,
    algorithm_named,
    public_half,
    require_fit,
)

__all__ = [
    "ALGORITHMS", "ASYMMETRIC", "HMAC", "Algorithm", "InvalidKey", "PrivateKey", "PublicKey",
    "generate_private_key", "load_key", "public_jwk", "public_key_from_jwk", "require_fit", "thumbprint",
    "to_pem",
]  # fmt: skip

_CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})


def generate_private_key(algorithm: str) -> PrivateKey:
    """Return a new key for an asymmetric algorithm: RSA 2048, the algorithm's curve, or Ed25519.

    Raises InvalidKey for HS algorithms and unknown ones.
    """
    wanted = algorithm_named(algorithm)
    if wanted.kty == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if wanted.kty == "OKP":
        return Ed25519PrivateKey.generate()
    if wanted.crv is not None:
        return ec.generate_private_key(_CURVES[wanted.crv])
    raise InvalidKey("an HS algorithm has no private key")


def load_key(text: str, algorithm: str) -> PrivateKey | bytes:
    """Return the signing key that an operator gave: a PEM private key, or for HS the UTF-8 bytes.

    In PEM a literal backslash-n stands for a line end, as environment files need it.
    Raises InvalidKey for what does not fit the algorithm, is weak, encrypted or no private key.
    """
    if algorithm_named(algorithm).kty == "oct":
        try:
            secret = text.encode()
        except UnicodeEncodeError:
            raise InvalidKey("the shared secret is not valid Unicode") from None
        require_fit(secret, algorithm)
        return secret
    key = _load_pem(text.replace("\\r", "").replace("\\n", "\n").strip())
    require_fit(key, algorithm)
    return key


def _load_pem(pem: str) -> PrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise InvalidKey("the PEM private key is encrypted; give it without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidKey("the key is not a PEM private key, or a damaged one") from None
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey):
        return key
    raise InvalidKey("the key is neither RSA, EC nor Ed25519")


def load_public_key(text: str, algorithm: str) -> PublicKey:
    """Return the public key of a PEM that begins with ``BEGIN PUBLIC KEY``; line ends as in ``load_key``.

    Raises InvalidKey for what does not fit the algorithm, is weak, or is no public key, a private one too:
    it has no business where keys are only verified.
    """
    pem = text.replace("\\r", "").replace("\\n", "\n").strip()
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidKey("the key is not a PEM public key, or a damaged one") from None
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey):
        raise InvalidKey("the key is neither RSA, EC nor Ed25519")
    require_fit(key, algorithm)
    return key


def to_pem(private_key: PrivateKey) -> bytes:
    """Return the key as unencrypted PKCS #8 PEM: a secret."""
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_jwk(key: PrivateKey | PublicKey, *, kid: str, algorithm: str) -> dict[str, str]:
    """Return the public JWK with ``kid alg use=sig kty``, for an asymmetric key that fits the algorithm.

    Raises InvalidKey otherwise.
    """
    if isinstance(key, bytes):
        raise InvalidKey("a shared secret has no public JWK")
    require_fit(key, algorithm)
    return {**_parameters(key), "kid": kid, "alg": algorithm, "use": "sig"}


def thumbprint(key: PrivateKey | PublicKey | bytes) -> str:
    """Return the SHA-256 JWK thumbprint (RFC 7638), the same for a private key and its public half.

    Of bytes it is that of the ``oct`` key. Never publish it for a secret that somebody could guess:
    it lets them check (RFC 7638 7).
    """
    required = {"kty": "oct", "k": base64url.encode(key)} if isinstance(key, bytes) else _parameters(key)
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":"))
    return base64url.encode(hashlib.sha256(canonical.encode()).digest())


def _parameters(key: PrivateKey | PublicKey) -> dict[str, str]:
    """The required members of RFC 7518 6 and RFC 8037 2, fixed-width where those ask for it."""
    public = public_half(key)
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {
            "kty": "RSA",
            "n": base64url.encode_integer(numbers.n),
            "e": base64url.encode_integer(numbers.e),
        }
    if isinstance(public, Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(public.public_bytes_raw())}
    crv = CURVE_NAMES.get(public.curve.name)
    if crv is None:
        raise InvalidKey("the key's curve is not supported")
    width = (public.curve.key_size + 7) // 8
    point = public.public_numbers()
    return {
        "kty": "EC",
        "crv": crv,
        "x": base64url.encode_integer(point.x, width),
        "y": base64url.encode_integer(point.y, width),
    }


def public_key_from_jwk(
    jwk: Mapping[str, object], algorithm: str | None = None, *, allow_oct: bool = False
) -> tuple[str, PublicKey | bytes]:
    """Return (algorithm, key) of a JWK that may verify signatures.

    The algorithm is the key's ``alg``, else the caller's, else the only one its curve allows; an RSA or
    oct key without any is refused, since the token must not choose (RFC 8725 3.1). Also refused, as
    InvalidKey: another ``use`` than sig, ``key_ops`` without verify, private members, weak keys, values
    in another spelling than RFC 7518 6 writes them, and shared secrets unless ``allow_oct``.
    """
    _require_verification_use(jwk)
    wanted = _algorithm_of(jwk, algorithm)
    if wanted.kty == "oct" and not allow_oct:
        raise InvalidKey("a shared secret is not accepted here")
    if _PRIVATE_MEMBERS & jwk.keys() - ({"k"} if wanted.kty == "oct" else set()):
        raise InvalidKey("the JWK holds private members")
    try:
        key = _key_from_parameters(jwk, wanted)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidKey(f"the JWK's parameters are not those of an {wanted.kty} key") from None
    require_fit(key, wanted.name)
    return wanted.name, key


def _require_verification_use(jwk: Mapping[str, object]) -> None:
    if jwk.get("use", "sig") != "sig":
        raise InvalidKey("the JWK's use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise InvalidKey("the JWK's key_ops do not allow to verify")


def _algorithm_of(jwk: Mapping[str, object], algorithm: str | None) -> Algorithm:
    kty, crv = jwk.get("kty"), jwk.get("crv")
    named = jwk.get("alg", algorithm)
    if "alg" not in jwk and named is None and isinstance(crv, str):
        named = next((name for name, known in ALGORITHMS.items() if known.crv == crv), None)
    if not isinstance(named, str):
        raise InvalidKey("the JWK names no algorithm")
    if algorithm is not None and named != algorithm:
        raise InvalidKey("the JWK is for another algorithm")
    wanted = algorithm_named(named)
    if (kty, crv) != (wanted.kty, wanted.crv):
        raise InvalidKey("the JWK's kty or crv contradicts its alg")
    return wanted


def _key_from_parameters(jwk: Mapping[str, object], wanted: Algorithm) -> PublicKey | bytes:
    """Raises ValueError for parameters that are missing, no text, or spelled another way."""
    if wanted.kty == "RSA":
        n, e = (base64url.decode_integer(_text(jwk, name)) for name in ("n", "e"))
        return rsa.RSAPublicNumbers(e, n).public_key()
    if wanted.kty == "oct":
        return base64url.decode(_text(jwk, "k"))
    if wanted.crv == "Ed25519":
        return Ed25519PublicKey.from_public_bytes(base64url.decode(_text(jwk, "x")))
    curve = _CURVES[str(wanted.crv)]
    width = (curve.key_size + 7) // 8
    x, y = (base64url.decode_integer(_text(jwk, name), width) for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()


def _text(jwk: Mapping[str, object], name: str) -> str:
    value = jwk.get(name)
    if isinstance(value, str):
        return value
    raise ValueError(f"{name} is missing")
