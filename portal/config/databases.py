"""``DATABASE_URL`` as Django wants it, with what each database needs to be safe here."""

from pathlib import Path
from typing import Any

import environ

from portal.config.env import Env
from provisioning.config import ConfigError

SQLITE_OPTIONS = {
    # FULL: what was committed before a request left survives a power cut.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}
POSTGRESQL_OPTIONS = {
    "pool": {"min_size": 1, "max_size": 16, "timeout": 5},
    "connect_timeout": 5,
}


def database_from(env: Env, var: Path) -> dict[str, Any]:
    """The ``default`` entry of ``DATABASES``; SQLite or PostgreSQL, nothing else."""
    url = env.text("DATABASE_URL", f"sqlite:///{var / 'db.sqlite3'}")
    try:
        database: dict[str, Any] = environ.Env.db_url_config(url)
    except (KeyError, ValueError, environ.ImproperlyConfigured) as exc:
        raise ConfigError("DATABASE_URL", "is no database URL such as postgres://user@host/name") from exc
    match database.get("ENGINE"):
        case "django.db.backends.sqlite3":
            file = Path(database["NAME"])
            try:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not file.exists():
                    file.touch(mode=0o600)  # SQLite gives its journals the same mode
            except OSError as exc:
                raise ConfigError("DATABASE_URL", f"names a file that can't be made: {exc.strerror}") from exc
            database["OPTIONS"] = dict(SQLITE_OPTIONS)
            # Opening a file and reading its tables' definitions takes longer than most requests' statements.
            database["CONN_MAX_AGE"] = None
        case "django.db.backends.postgresql":
            database["OPTIONS"] = {**POSTGRESQL_OPTIONS, **database.get("OPTIONS", {})}
        case _:
            raise ConfigError("DATABASE_URL", "must be sqlite:///path or postgres://user:password@host/name")
    return database
