"""Where processes leave what they count, and how it is added up.

Each ``serve`` and each ``worker`` holds a folder of its own, ``web-1``, ``worker-1`` and so on,
with a file a process in it. A process that is killed leaves its file, and its successor under
the same server another: the folder's sums never fall while the server lives. A server that
starts takes the lowest free folder and empties it: all of that folder's sums, which carry its
name as the label ``process``, begin at 0 together, as Prometheus expects of a restart.
"""

import fcntl
import itertools
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from portal.core.metrics import recorded_to

_held: list[int] = []
"""Locks of folders, open until the process ends."""


def claim(folder: Path, name: str) -> Path:
    """Reserve the lowest free ``folder/name-N``, emptied, until this process and its children end.

    Raises ``OSError`` where nothing can be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in itertools.count(1):
        slot = folder / f"{name}-{number}"
        lock = os.open(f"{slot}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        _held.append(lock)
        shutil.rmtree(slot, ignore_errors=True)
        slot.mkdir(mode=0o700)
        return slot
    raise AssertionError


class Slots:
    """A registry's view of ``folder``: every metric of every server that counted there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        whole: dict[str, Metric] = {}
        for slot in sorted(path for path in self._folder.glob("*-*") if path.is_dir()):
            for metric in _merged(_files(slot)):
                into = whole.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                into.samples += [
                    sample._replace(labels={**sample.labels, "process": slot.name})
                    for sample in metric.samples
                ]
        yield from whole.values()


def _merged(files: list[str]) -> Iterable[Metric]:
    try:
        return list(MultiProcessCollector.merge(files))  # type: ignore[no-untyped-call]
    except FileNotFoundError:
        return []  # a server that starts is emptying it


def _files(slot: Path) -> list[str]:
    """Sums of all its processes; of gauges, which tell what is now, those of the living alone."""
    found = list(slot.glob("*.db"))
    if not is_held(slot):
        return [str(file) for file in found if not file.name.startswith("gauge_")]
    # Another server's processes may be in another container, where their ids mean nothing here.
    ours = slot == recorded_to()
    return [
        str(file)
        for file in found
        if not (ours and file.name.startswith("gauge_") and not _lives(file.stem.rpartition("_")[2]))
    ]


def is_held(slot: Path) -> bool:
    """Whether the server that claimed this folder lives."""
    try:
        lock = os.open(f"{slot}.lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
