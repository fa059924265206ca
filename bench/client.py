"""A small load generator: processes with keep-alive connections on raw sockets, loopback only."""

import multiprocessing
import socket
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    requests: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def _worker(port: int, request: bytes, seconds: float, done: "multiprocessing.Queue[int]") -> None:
    connection = socket.create_connection(("127.0.0.1", port))
    reader = connection.makefile("rb")
    count, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        connection.sendall(request)
        status = reader.readline()
        length = 0
        while (line := reader.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        reader.read(length)
        if b" 200 " not in status:
            raise RuntimeError(status.decode())
        count += 1
    done.put(count)


def get_load(port: int, path: str, *, seconds: float, connections: int = 8) -> Load:
    """GET ``path`` on ``connections`` connections for ``seconds``."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    done: multiprocessing.Queue[int] = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=_worker, args=(port, request, seconds, done))
        for _ in range(connections)
    ]
    started = time.monotonic()
    for worker in workers:
        worker.start()
    count = sum(done.get(timeout=seconds + 30) for _ in workers)
    for worker in workers:
        worker.join()
    return Load(count, time.monotonic() - started)
