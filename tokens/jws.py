"""The compact JWS layer (RFC 7515), as strict as RFC 8725 asks: before any claim is looked at."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import jwt

from tokens import base64url, strict_json
from tokens.keyset import VerificationKey

Header: TypeAlias = dict[str, object]

MAX_TOKEN_BYTES: Final = 16 * 1024  # more than gateways pass on in a header


class InvalidToken(Exception):
    """A token that must not be believed.

    ``code`` is stable: ``malformed unsupported_extension wrong_algorithm unknown_key bad_signature``
    from this layer, and what ``tokens.verify`` adds. The message never repeats what a stranger wrote.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code

    def __str__(self) -> str:
        return ": ".join(self.args)


class VerifiedJws(NamedTuple):
    """A token whose signature is good; its payload may still be anything."""

    header: Header
    payload: bytes
    key: VerificationKey


def verify_jws(
    token: str | bytes,
    find_key: Callable[[Header], VerificationKey | None],
    *,
    most_bytes: int = MAX_TOKEN_BYTES,
) -> VerifiedJws:
    """Return the header and payload of a token whose signature is good, and the key that it is good under.

    ``find_key`` gets the header, unverified, and returns the key to use or None. The algorithm is the
    key's; a token naming another is refused, and so is any ``crit`` or ``b64``. Key material and
    addresses inside the token (jwk, jku, x5c, x5u) are never looked at. Raises InvalidToken.
    """
    protected, payload, signature = _segments(token, most_bytes)
    header = _header(_decode(protected))
    key = find_key(header)
    if key is None:
        raise InvalidToken("unknown_key", "no key fits the header")
    if header["alg"] != key.algorithm:
        raise InvalidToken("wrong_algorithm", "the key is for another algorithm")
    content, signature_bytes = _decode(payload), _decode(signature)
    signing_input = f"{protected}.{payload}".encode("ascii")
    # PyJWT's primitive alone, with a key object: its own parser also takes padding, and its prepare_key
    # would turn text into keys.
    if not jwt.get_algorithm_by_name(key.algorithm).verify(signing_input, key.key, signature_bytes):
        raise InvalidToken("bad_signature", "the signature does not match")
    return VerifiedJws(header, content, key)


def _segments(token: str | bytes, most_bytes: int) -> tuple[str, str, str]:
    if not isinstance(token, str | bytes) or len(token) > most_bytes:
        raise InvalidToken("malformed", f"a token is text of at most {most_bytes} bytes")
    text = token.decode("latin-1") if isinstance(token, bytes) else token
    segments = text.split(".")
    if len(segments) != 3:
        raise InvalidToken("malformed", "a token has three segments")
    return segments[0], segments[1], segments[2]


def _decode(segment: str) -> bytes:
    try:
        return base64url.decode(segment)
    except ValueError:
        raise InvalidToken("malformed", "a segment is not canonical base64url") from None


def _header(octets: bytes) -> Header:
    try:
        header = strict_json.parse_object(octets)
    except ValueError:
        raise InvalidToken("malformed", "the header is not a strict JSON object") from None
    if "crit" in header or "b64" in header:
        raise InvalidToken("unsupported_extension", "no header extension is supported")
    if not isinstance(header.get("alg"), str):
        raise InvalidToken("malformed", "the header names no algorithm")
    return header
