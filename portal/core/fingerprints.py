"""One-way names for secrets that we must recognise and must not keep."""

import hashlib

from provisioning.secret import Secret


def fingerprint(secret: Secret) -> str:
    """SHA-256 in hex. Only for secrets of at least 128 random bits: it is not salted."""
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogatepass")).hexdigest()
