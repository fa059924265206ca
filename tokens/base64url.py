"""Base64url without padding (RFC 7515 appendix C), read strictly."""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(octets: bytes) -> str:
    """Return the unpadded base64url text of the octets."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the octets.

    Raises ValueError unless the text is just what ``encode`` writes. Python's decoder alone drops
    foreign characters, which RFC 7515 5.2 refuses, and takes padding and unused bits that are not zero:
    any of them would make a second token of one.
    """
    octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(octets) != text:
        raise ValueError("not canonical base64url")
    return octets


def encode_integer(number: int, length: int | None = None) -> str:
    """Return a Base64urlUInt (RFC 7518 2): as short as possible, or exactly ``length`` octets."""
    return encode(number.to_bytes(length or max(1, (number.bit_length() + 7) // 8), "big"))


def decode_integer(text: str, length: int | None = None) -> int:
    """Return the integer; raises ValueError unless it was written as ``encode_integer`` does."""
    octets = decode(text)
    if length is not None and len(octets) != length:
        raise ValueError("not a fixed-width integer")
    if not octets or (length is None and octets[0] == 0):
        raise ValueError("not a shortest-form integer")
    return int.from_bytes(octets, "big")
