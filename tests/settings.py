"""The portal's settings, with what a test database and fast tests need."""

import os
from pathlib import Path

import tests.environment  # noqa: F401  # first: the settings below read the environment
from portal.config.settings import *  # noqa: F403
from portal.config.settings import DATABASES, STORAGES

_folder = Path(os.environ["LATCHKEY_TEST_FOLDER"])
# A file: several threads and connections use it, as in production.
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
else:
    DATABASES["default"]["OPTIONS"].pop("pool")  # pooled connections would hold the test database open
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STATIC_ROOT = _folder / "static"
STATIC_ROOT.mkdir(exist_ok=True)
