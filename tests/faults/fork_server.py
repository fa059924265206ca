"""Workers that are there again at once: ``python -m tests.faults.fork_server COUNT THREADS``.

It loads the portal once and forks; a child that dies is replaced. The children are real workers:
``manage.py worker`` runs the same ``Worker().run()``.
"""

import os
import signal
import sys
import time
from types import FrameType

import django


def main() -> None:
    count, threads = int(sys.argv[1]), int(sys.argv[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    django.setup()
    from django.db import connection

    from portal.jobs import worker as _loaded_before_forking  # noqa: F401
    from tests.faults.mutations import break_engine

    break_engine(os.environ.get("LATCHKEY_BROKEN", ""))
    assert connection.connection is None, "a connection would be shared by all children"
    Nursery(threads).keep(count)


class Nursery:
    """Keeps a number of children alive until SIGTERM."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._children: set[int] = set()
        self._stopping = False

    def keep(self, count: int) -> None:
        signal.signal(signal.SIGTERM, self._stop)
        while not self._stopping:
            while len(self._children) < count:
                self._children.add(self._fork())
            self._reap(os.WNOHANG)
            time.sleep(0.02)
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)
        while self._children:
            self._reap(0)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _reap(self, how: int) -> None:
        while self._children:
            pid, _ = os.waitpid(-1, how)
            if pid == 0:
                return
            self._children.discard(pid)

    def _fork(self) -> int:
        pid = os.fork()
        if pid:
            return pid
        from portal.jobs.worker import Worker
        from portal.management.processes import die_with_parent

        status = 1
        try:
            die_with_parent()
            Worker(threads=self._threads).run()
            status = 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


if __name__ == "__main__":
    main()
