"""A small load generator: processes with keep-alive connections on raw sockets, loopback only."""

import multiprocessing
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    requests: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True)
class Answers:
    """How long each answer took, shortest first, and all of them together."""

    milliseconds: list[float]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    def at(self, share: float) -> float:
        """The time within which that share of the answers came."""
        return self.milliseconds[int(len(self.milliseconds) * share)]


class _Connection:
    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._reader = self._socket.makefile("rb")

    def get(self, path: str) -> None:
        """Raises ``RuntimeError`` for any answer but 200."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
        status = self._reader.readline()
        length = 0
        while (line := self._reader.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self._reader.read(length)
        if b" 200 " not in status:
            raise RuntimeError(status.decode())


def _worker(port: int, path: str, seconds: float, done: "multiprocessing.Queue[int]") -> None:
    connection = _Connection(port)
    count, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        connection.get(path)
        count += 1
    done.put(count)


def _each(port: int, paths: Iterable[str], done: "multiprocessing.Queue[list[float]]") -> None:
    connection = _Connection(port)
    took = []
    for path in paths:
        began_at = time.perf_counter()
        connection.get(path)
        took.append((time.perf_counter() - began_at) * 1000)
    done.put(took)


def get_load(port: int, path: str, *, seconds: float, connections: int = 8) -> Load:
    """GET ``path`` on ``connections`` connections for ``seconds``."""
    done: multiprocessing.Queue[int] = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=_worker, args=(port, path, seconds, done)) for _ in range(connections)
    ]
    started = time.monotonic()
    for worker in workers:
        worker.start()
    count = sum(done.get(timeout=seconds + 30) for _ in workers)
    for worker in workers:
        worker.join()
    return Load(count, time.monotonic() - started)


def get_each(port: int, paths: Sequence[str], *, connections: int) -> Answers:
    """GET each path once, shared out among so many connections."""
    done: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=_each, args=(port, paths[first::connections], done))
        for first in range(connections)
    ]
    started = time.monotonic()
    for worker in workers:
        worker.start()
    took = [one for _ in workers for one in done.get(timeout=120)]
    seconds = time.monotonic() - started
    for worker in workers:
        worker.join()
    return Answers(sorted(took), seconds)
