"""Running several commands of ours beside each other, and leaving none behind."""

import ctypes
import signal
import subprocess
import sys
import time
from types import FrameType

from django.conf import settings
from django.core.management.base import CommandError

STOP_SECONDS = 20
_PR_SET_PDEATHSIG = 1


class Processes:
    """Each argument is one ``manage.py`` command. When one ends, all do."""

    def __init__(self, *commands: list[str]) -> None:
        self._commands = commands
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopping = False

    def run(self) -> None:
        """Run until a signal, or until one of them ends; raises ``CommandError`` for the latter."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        manage = str(settings.BASE_DIR / "manage.py")
        for command in self._commands:
            self._running.append(
                subprocess.Popen(
                    [sys.executable, manage, *command], start_new_session=True, preexec_fn=die_with_parent
                )
            )
        while not self._stopping and all(process.poll() is None for process in self._running):
            time.sleep(0.2)
        ended = [process.args[2] for process in self._running if process.poll() is not None]  # type: ignore[index]  # a list: see run
        self._end_all()
        if ended and not self._stopping:
            raise CommandError(f"{' and '.join(map(str, ended))} ended unexpectedly; see its message above")

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _end_all(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running:
            try:
                process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def die_with_parent() -> None:
    """On Linux the kernel ends a child whose parent was killed without a chance to."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
