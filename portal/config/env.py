"""The environment, read strictly: a bad or missing value stops the start, naming the variable."""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from portal.core.limits import Limit, parse_limit
from provisioning.config import ConfigError, environ_get_config
from tokens.durations import parse_duration

EMAIL_OR_NONE = r"([^\s<>@]+@[^\s<>@]+)?"
SENDER = r"[^\s<>@]+@[^\s<>@]+|[^\r\n<>@]* <[^\s<>@]+@[^\s<>@]+>"
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class Env:
    """Typed readers over one mapping. Unset and empty are the same; ``NAME_FILE`` works for all."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._read = environ_get_config(environ)

    def text(self, name: str, default: str = "") -> str:
        value = self._read(name)
        return default if value is None else value.strip()

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default).lower()
        if value not in allowed:
            raise ConfigError(name, f"must be one of {', '.join(allowed)}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.text(name, "true" if default else "false").lower()
        if value not in _TRUE | _FALSE:
            raise ConfigError(name, "must be true or false")
        return value in _TRUE

    def number(self, name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,10}", value) or not least <= int(value) <= most:
            raise ConfigError(name, f"must be a whole number from {least} to {most}")
        return int(value)

    def duration(self, name: str, default: str) -> timedelta:
        try:
            return parse_duration(self.text(name, default))
        except ValueError as exc:
            raise ConfigError(name, "must be a duration such as 60s, 24h or 90d") from exc

    def limit(self, name: str, default: str) -> Limit:
        try:
            return parse_limit(self.text(name, default))
        except ValueError as exc:
            raise ConfigError(
                name, "must be a limit such as 30/minute (second, minute, hour or day)"
            ) from exc

    def words(self, name: str, default: str = "") -> list[str]:
        """A comma-separated list, blanks dropped."""
        return [word for part in self.text(name, default).split(",") if (word := part.strip())]

    def origin(self, name: str, default: str = "") -> str:
        """``scheme://host[:port]`` with no path, query or trailing slash."""
        value = self.text(name, default)
        if not value:
            raise ConfigError(name, "is missing: give the public origin, such as https://portal.example.com")
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError as exc:
            raise ConfigError(name, "is no valid URL") from exc
        plain = f"{parts.scheme}://{parts.netloc}"
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or "@" in parts.netloc:
            raise ConfigError(name, "must be an http or https origin such as https://portal.example.com")
        if value != plain:
            raise ConfigError(name, "must be an origin alone: no path, no query, no trailing slash")
        return value.lower()

    def url(self, name: str) -> str:
        value = self.text(name)
        if value and not re.fullmatch(r"https?://[^\s\"';,]+", value):
            raise ConfigError(name, "must be an http or https URL")
        return value

    def matching(self, name: str, pattern: str, default: str, what: str) -> str:
        value = self.text(name, default)
        if not re.fullmatch(pattern, value):
            raise ConfigError(name, f"must be {what}")
        return value

    def secrets(self, name: str, *, least: int) -> tuple[str, ...]:
        """A comma-separated list of secrets, each at least ``least`` characters long."""
        found = tuple(self.words(name))
        if any(len(secret) < least for secret in found):
            raise ConfigError(name, f"is too short: at least {least} characters")
        return found


def development_secret(var: Path, name: str, make: str) -> str:
    """The secret kept in ``var/name`` (mode 0600); ``make`` is stored when there is none yet."""
    path = var / name
    try:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            return path.read_text().strip()
        with open(path, "x", opener=_private) as file:
            file.write(make + "\n")
    except FileExistsError:
        if path.is_file():  # another process made it meanwhile
            return path.read_text().strip()
        raise ConfigError("PORTAL_VAR", "is no folder") from None
    except OSError as exc:
        raise ConfigError("PORTAL_VAR", f"is a folder that can't be used: {exc.strerror}") from exc
    return make


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
