"""Finding every process that a portal started, wherever it was moved to in the tree."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "LATCHKEY_TEST_RUN"
"""An environment variable that children inherit; its value is one portal's own."""


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    command: str

    def kill(self) -> None:
        with suppress(ProcessLookupError):  # it ended by itself meanwhile
            os.kill(self.pid, signal.SIGKILL)


def living(mark: str) -> list[Process]:
    """The processes that carry ``mark``, zombies left out; none where there is no /proc."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except (OSError, ValueError):
            continue  # ended meanwhile, or not ours to look at
        if state not in "ZX":
            found.append(Process(int(folder.name), int(parent), command))
    return found
