"""What exists at a fake: an append-only file of JSON lines. What is in it happened."""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

Line = dict[str, Any]


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Truth:
    """The living objects by kind and id, and the ids of those that were deleted."""

    kinds: tuple[str, ...]

    def __init__(self) -> None:
        self.alive: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in self.kinds}
        self.deleted: set[tuple[str, str]] = set()

    def apply(self, line: Line) -> None:
        """One line of the ledger."""
        kind, id = line["kind"], line["id"]
        match line["event"]:
            case "created":
                self.alive[kind][id] = line["object"]
                self.deleted.discard((kind, id))  # a chosen id can be put anew
            case "changed":
                self.alive[kind][id] = line["object"]
            case "rotated":
                self.alive[kind][id] = {**self.alive[kind][id], "digest": line["digest"]}
            case "deleted":
                del self.alive[kind][id]
                self.deleted.add((kind, id))

    def credentials(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Kind, id and object of each living credential: its ``tags``, ``digest`` and ``expires_at``."""
        raise NotImplementedError


AnyTruth = TypeVar("AnyTruth", bound=Truth)


class Ledger(Generic[AnyTruth]):
    """The file, written by one process; ``commit`` returns when its lines are on the disk."""

    def __init__(self, path: Path, truth: AnyTruth) -> None:
        self.truth = read(path, truth)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def commit(self, event: str, kind: str, id: str, **details: Any) -> None:
        self.commit_all([{"event": event, "kind": kind, "id": id, **details}])

    def commit_all(self, lines: Iterable[Line]) -> None:
        """Together: there is one wait for the disk, and no moment between them."""
        dated = [{"at": time.time(), **line} for line in lines]
        os.write(self._file, b"".join(json.dumps(line).encode() + b"\n" for line in dated))
        os.fsync(self._file)
        for line in dated:
            self.truth.apply(line)


def read(path: Path, truth: AnyTruth) -> AnyTruth:
    """``truth`` as the file tells it, for whoever checks afterwards; unchanged when there is no file."""
    if path.exists():
        for line in path.read_text().splitlines():
            truth.apply(json.loads(line))
    return truth
