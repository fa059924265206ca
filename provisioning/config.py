"""Reading a plugin's settings: names, fallbacks, and errors that never show a value."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from pathlib import Path

from tokens.durations import parse_duration

GetConfig = Callable[[str], str | None]


class ConfigError(Exception):
    """A setting stops the start. The message names the variable, never its value."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable}: {problem}")
        self.variable = variable
        self.problem = problem


def environ_get_config(environ: Mapping[str, str]) -> GetConfig:
    """Return the seed's ``getConfig`` over ``environ``; what it returns is never blank.

    Unset or blank, a name falls back to itself without ``PLUGIN_``. Each may be given as
    ``NAME_FILE`` instead, a path whose content counts. Reading raises ``ConfigError`` when both
    are set or the file is no use.
    """

    def get_config(name: str) -> str | None:
        value = _value(environ, name)
        if value is None and name.startswith("PLUGIN_"):
            value = _value(environ, name.removeprefix("PLUGIN_"))
        return value

    return get_config


def _value(environ: Mapping[str, str], name: str) -> str | None:
    value, path = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if value.strip() and path.strip():
        raise ConfigError(name, f"is set together with {name}_FILE: keep one of them")
    if path.strip():
        return _content(f"{name}_FILE", path)
    return value if value.strip() else None


def _content(variable: str, path: str) -> str:
    try:
        # newline="" keeps the file as it is: universal newlines would alter a secret's bytes.
        with Path(path).open(encoding="utf-8", newline="") as file:
            content = file.read()
    except OSError as exc:
        # strerror has no path in it, and ``from None`` keeps the path out of tracebacks too.
        raise ConfigError(variable, f"can't be read ({exc.strerror})") from None
    except ValueError:
        raise ConfigError(variable, "is no path to a UTF-8 text file") from None
    content = content.removesuffix("\n").removesuffix("\r")
    if not content.strip():
        # A mount that failed must not look like a setting left out.
        raise ConfigError(variable, "names an empty file")
    return content


def text(get_config: GetConfig, name: str, default: str = "") -> str:
    """The setting without space around it, or ``default``; control characters are refused."""
    value = (get_config(name) or "").strip()
    if not value.isprintable():
        raise ConfigError(name, "has a line break or another unprintable character in it")
    return value or default


def choice(get_config: GetConfig, name: str, allowed: Collection[str], default: str) -> str:
    """One of ``allowed``, spelled as there."""
    value = text(get_config, name, default)
    if value not in allowed:
        raise ConfigError(name, f"must be one of {', '.join(allowed)}")
    return value


def duration(get_config: GetConfig, name: str, default: str, *, longest: timedelta) -> timedelta:
    """A number of seconds or shorthand such as ``12h``, at least a second, at most ``longest``."""
    try:
        value = parse_duration(text(get_config, name, default))
    except ValueError:
        raise ConfigError(name, "must be a number of seconds or a duration such as 12h, 30d, 1y") from None
    if value > longest:
        raise ConfigError(name, f"must be at most {longest.days} days")
    return value


def comma_list(get_config: GetConfig, name: str) -> tuple[str, ...]:
    """The setting's comma-separated parts: repetitions dropped, the order kept.

    Raises ``ConfigError`` for a blank part: whoever wrote it meant something.
    """
    given = text(get_config, name)
    parts = [part.strip() for part in given.split(",")] if given else []
    if not all(parts):
        raise ConfigError(name, "has an empty entry between its commas")
    return tuple(dict.fromkeys(parts))
