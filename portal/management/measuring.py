"""Where a command that serves leaves what it counts."""

from django.conf import settings
from django.core.management.base import CommandError

from portal.core.metric_files import claim
from portal.core.metrics import record_to


def measure_as(name: str) -> None:
    """Count in a folder of this server's own, for ``/metrics``; before anything forks.

    Raises ``CommandError`` where nothing can be written.
    """
    try:
        record_to(claim(settings.METRICS, name))
    except OSError as exc:
        raise CommandError(f"PORTAL_VAR: can't write in {settings.METRICS}: {exc.strerror}") from exc
