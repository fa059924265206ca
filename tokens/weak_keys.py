"""Keys of the right type that nobody should trust."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

MIN_RSA_BITS: Final = 2048  # RFC 7518 3.3
MAX_RSA_BITS: Final = 8192  # more costs the verifier seconds
_SMALL_PRIMES: Final = tuple(n for n in range(2, 168) if all(n % d for d in range(2, n)))
# Infineon's faulty library (CVE-2017-15361, "ROCA") made primes p = k*M + (65537^a mod M), M the product
# of the small primes: every modulus is then a power of 65537 modulo each. For a sound key that happens
# once in about 2^27 (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, section 2).
_ROCA_RESIDUES: Final = {p: frozenset(pow(65537, k, p) for k in range(p - 1)) for p in _SMALL_PRIMES}

_FIELD: Final = 2**255 - 19
# y coordinates of the points of order 1, 2, 4 and 8 on edwards25519: with such a "key" one signature
# fits every message (RFC 8032 5.1.7 works with the cofactor; values as in libsodium's blocklist).
_SMALL_ORDER: Final = frozenset({
    0, 1, _FIELD - 1,
    2707385501144840649318225287225658788936804267575313519463743609750303402022,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
})  # fmt: skip


def rsa_weakness(public: RSAPublicNumbers) -> str | None:
    """Return why an RSA key must be refused, or None."""
    bits = public.n.bit_length()
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        return f"an RSA key has {MIN_RSA_BITS} to {MAX_RSA_BITS} bits"
    # NIST SP 800-56B 6.4.1; cryptography itself refuses an even exponent.
    if not 2**16 < public.e < 2**256:
        return "an RSA public exponent lies between 2^16 and 2^256"
    if any(public.n % p == 0 for p in _SMALL_PRIMES):
        return "the RSA modulus has a small factor"
    if all(public.n % p in residues for p, residues in _ROCA_RESIDUES.items()):
        return "the RSA key was made by the faulty library of CVE-2017-15361 (ROCA)"
    return None


def ed25519_weakness(public: bytes) -> str | None:
    """Return why the 32 octets of an Ed25519 public key must be refused, or None."""
    y = int.from_bytes(public, "little") & (2**255 - 1)
    if y >= _FIELD or y in _SMALL_ORDER:
        return "the Ed25519 key is a point of small order or not canonical"
    return None
