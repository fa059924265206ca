"""One signing key an algorithm, made once: RSA keys take a while."""

from functools import cache

from provisioning.contract import SigningKey
from tokens.algorithms import PublicKey, public_half
from tokens.jwk import HMAC, generate_private_key


@cache
def signing_key(algorithm: str) -> SigningKey:
    key = b"k" * 64 if algorithm in HMAC else generate_private_key(algorithm)
    return SigningKey(kid=f"kid-{algorithm}", algorithm=algorithm, key=key)


def verification_key(signing: SigningKey) -> PublicKey | bytes:
    return signing.key if isinstance(signing.key, bytes) else public_half(signing.key)
