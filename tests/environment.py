"""Imported before the settings: what they read. ``TEST_DATABASE_URL`` picks the database."""

import base64
import os
import tempfile

_FOLDER = tempfile.mkdtemp(prefix="latchkey-test-")

for _name in list(os.environ):
    if _name.startswith(("PLUGIN_", "PORTAL_", "OIDC_", "TOKEN_SERVICE_")):
        del os.environ[_name]

os.environ.update(
    PORTAL_ENV="development",
    PORTAL_BASE_URL="http://127.0.0.1:8000",
    SECRET_KEY="test-secret-key-test-secret-key-test-secret",
    PORTAL_SEALING_KEYS="test-sealing-key-test-sealing-key-test-sealing",
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{_FOLDER}/unused.sqlite3",
    TOKEN_SERVICE_ISSUER="acme",
    TOKEN_SERVICE_KEY=base64.b64encode(b"k" * 32).decode(),
    LOG_LEVEL="warning",
)
os.environ["LATCHKEY_TEST_FOLDER"] = _FOLDER
