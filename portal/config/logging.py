"""One log on stderr: a constant event and ids; JSON for machines, lines for people."""

import logging.config
import sys
from typing import Any

import structlog


def without_path(record: logging.LogRecord) -> bool:
    """Take the path out of Django's own lines: it may hold a phone number. The access line has the route."""
    if hasattr(record, "request") and isinstance(record.args, tuple) and record.args:
        record.msg, record.args = str(record.msg).rpartition(":")[0], record.args[:-1]
    return True


def logging_config(level: str, form: str) -> None:
    """Send structlog and the standard library's loggers through one handler."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "portal": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    renderer,
                ],
                "foreign_pre_chain": shared,
            }
        },
        "filters": {"without_path": {"()": lambda: without_path}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler", "formatter": "portal", "filters": ["without_path"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # At DEBUG it writes down whole contexts of pages: the request's path, what the page shows.
            "django.template": {"level": "INFO"},
            "psycopg.pool": {"level": "ERROR"},
            # At INFO they write down every URL, and plugins look people up by e-mail address.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
        },
    })  # fmt: skip
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
