"""The environment of a portal whose phone-token service is on, with limits that nothing reaches."""

import base64
import os

LIMIT = "1000000/minute"


def environment(url: str) -> dict[str, str]:
    """With the database ``url``; logs as in production."""
    return {
        **os.environ, "PORTAL_ENV": "development", "DATABASE_URL": url, "LOG_LEVEL": "info",
        "LOG_FORMAT": "json", "SECRET_KEY": "bench" * 10, "PORTAL_SEALING_KEYS": "hcneb" * 10,
        "LATCHKEY_STAFF_PASSWORD": "bench", "TOKEN_SERVICE_ISSUER": "bench",
        "TOKEN_SERVICE_KEY": base64.b64encode(b"k" * 32).decode(),
        "TOKEN_SERVICE_RATE": LIMIT, "TOKEN_SERVICE_PHONE_RATE": LIMIT,
    }  # fmt: skip
