"""Uses of keys: noted in memory, written in batches, so that no check waits for a write."""

import threading

import structlog
from django.db import Error, connection

from portal.core.metrics import DATABASE_ERRORS
from portal.models import IssuedKey
from portal.services.daily_use import DailyUses
from portal.services.last_use import LastUses

log = structlog.get_logger("portal.uses")
FLUSH_SECONDS = 2.0


class Uses:
    """What waits to be written of this process's checks.

    What was noted since the last flush is lost when the process is killed: 2 seconds of it, as long as
    the database answers. A process that is told to stop writes it, unless a database that is locked or away
    keeps it waiting for longer than the server waits for it (15 seconds).
    """

    def __init__(self) -> None:
        self._last, self._daily = LastUses(), DailyUses()
        self._lock = threading.Lock()
        self._flushes_itself = False
        self._thread: threading.Thread | None = None

    def note(self, key: IssuedKey) -> None:
        """The key was found good now."""
        self._last.note(key)
        self._daily.count(key)
        # A fork leaves the thread behind, so it is looked at each time.
        if self._flushes_itself and (self._thread is None or not self._thread.is_alive()):
            self._begin()

    def flush(self) -> None:
        """Write what waits; raises Django's ``Error`` when the database is away, and then it waits on."""
        try:
            self._last.flush()
        finally:
            self._daily.flush()

    def flush_regularly(self) -> None:
        """From the first use on flush every 2 seconds, in a thread of this process, and when it stops."""
        self._flushes_itself = True

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                # No daemon, as a web server's threads are: the process ends after a last flush.
                work = self._flush_until_the_end
                self._thread = threading.Thread(target=work, name="uses", daemon=False)
                self._thread.start()

    def _flush_until_the_end(self) -> None:
        main, is_last = threading.main_thread(), False
        while not is_last:
            main.join(FLUSH_SECONDS)
            is_last = not main.is_alive()  # before the flush: what is noted during one waits for another
            try:
                self.flush()
            except Error as exc:
                log.warning("uses.database_away", error=type(exc).__name__)
                DATABASE_ERRORS.labels("uses").inc()
            finally:
                connection.close()


uses = Uses()
"""This process's."""
