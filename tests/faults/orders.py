"""Orders to kill or freeze whoever comes by a fail point, and the record of those obeyed."""

import os
import signal
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

Action = Literal["kill", "freeze"]
ROLES = ("worker", "web", "command")


@dataclass(frozen=True)
class Hit:
    """An order that a process obeyed."""

    point: str
    action: str
    role: str
    pid: int
    path: Path


class Orders:
    """The folder through which the harness and the portal's processes (site/sitecustomize.py) talk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for role in ROLES:
            for action in ("kill", "freeze"):
                (folder / role / action).mkdir(parents=True)
        (folder / "hit").mkdir()
        self._seen: set[str] = set()
        self.ahead_seconds = 0.0
        """So far the portal's calendar is ahead of the truth."""
        self.kills: Counter[str] = Counter()
        """By fail point, whoever was killed."""

    def place(self, point: str, role: str, action: Action = "kill") -> None:
        (self.folder / role / action / point).touch()

    def withdraw(self, role: str = "*") -> None:
        """No order stands any more."""
        for path in self.folder.glob(f"{role}/*/*"):
            path.unlink(missing_ok=True)

    def standing(self, role: str, action: Action = "kill") -> set[str]:
        return {path.name for path in (self.folder / role / action).iterdir()}

    def new_hits(self) -> list[Hit]:
        """What was obeyed since the last look."""
        hits = []
        for path in sorted((self.folder / "hit").iterdir()):
            if path.name in self._seen or path.suffix == ".go":
                continue
            self._seen.add(path.name)
            point, action, role, pid, _ = path.name.rsplit(".", 4)
            hits.append(Hit(point, action, role, int(pid), path))
            if action == "kill":
                self.kills[point] += 1
        return hits

    def wake(self, hit: Hit) -> None:
        """Let a frozen process go on, if it is still there."""
        hit.path.with_name(f"{hit.path.name}.go").touch()
        try:
            os.kill(hit.pid, signal.SIGCONT)
        except ProcessLookupError:
            return

    def step_clock(self, seconds: float) -> None:
        """From now on the portal's calendar is that far from the truth."""
        temporary = self.folder / "clock.new"
        temporary.write_text(str(seconds))
        temporary.rename(self.folder / "clock")
        self.ahead_seconds = seconds

    def now(self) -> datetime:
        """The present on the portal's calendar."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead_seconds)
