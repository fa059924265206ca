#!/usr/bin/env python
"""Django's command line, with errors as one line on stderr and exit status 1."""

import os
import sys
from pathlib import Path

from environ import Env


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    if sys.argv[1:2] in (["run"], ["demo"]):
        Env.read_env(Path(__file__).with_name(".env"))
        os.environ.setdefault("PORTAL_ENV", "development")
    from django.core.management import execute_from_command_line
    from django.core.management.base import CommandError
    from django.db import DatabaseError

    from provisioning.config import ConfigError

    try:
        execute_from_command_line(sys.argv)
    except (ConfigError, CommandError) as exc:
        sys.exit(f"error: {' '.join(str(exc).split())}")
    except DatabaseError as exc:
        reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        sys.exit(f"error: the database did not answer as expected: {reason}")


if __name__ == "__main__":
    main()
