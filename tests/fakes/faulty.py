"""A server that fails on demand: its HTTP side, its control API, and what goes wrong on the way."""

import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.faults import Dice, Fault, Faults

Answer = tuple[int, Any]
Work = Callable[[], Answer]
"""What a request does when it is let: commits, and returns its answer. It never raises."""
_ODD = {name: {"odd": True} for name in ("created_at", "display_name", "scope", "tags")}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Message
    content: bytes

    @property
    def parts(self) -> list[str]:
        """The path's segments, decoded."""
        return [unquote(part) for part in self.path.strip("/").split("/")]

    def json(self) -> Any:
        """The body; None when it is none, or no JSON."""
        try:
            return json.loads(self.content) if self.content else None
        except ValueError:
            return None


class Refused(Exception):
    """The request gets this answer, and nothing is done."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.answer: Answer = (status, body)


class FaultyServer(ThreadingHTTPServer):
    """Serves until ``shutdown``; a thread a connection."""

    daemon_threads = True
    request_queue_size = 256
    keeps_connections = False
    limited = "/"
    """The rate limit holds for paths that start with this …"""
    spared = "/nothing"
    """… and those that start with this meet neither it nor faults."""

    def __init__(self, port: int, control_token: str) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.control_token = control_token
        self.under_way: list[Work] = []
        self.counts: Counter[str] = Counter()
        self.dice = Dice(Faults())
        self._closed: dict[bool, tuple[float, float]] = {}
        self._counting = threading.Lock()

    def accept(self, request: Request) -> Work:
        """What the request will do. Raises ``Refused`` for one that never will."""
        raise NotImplementedError

    def control(self, request: Request) -> Answer:
        """Controls of this fake alone."""
        raise Refused(404, {"problem": "no such control"})

    def failure(self, status: int, why: str) -> Any:
        """The body of an answer that a fault gives."""
        return {"problem": why}

    def odd(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a write as nobody expects it."""
        return {**body, **_ODD}

    def limit_headers(self, reset_seconds: int) -> dict[str, str]:
        """What a 429 says of the limit."""
        return {}

    def set_faults(self, faults: Faults) -> None:
        """From now on; what was said of a limit before is forgotten."""
        self.dice = Dice(faults)
        self._closed.clear()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is none of our business; a mistake of ours must not look like a fault."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def count(self, what: str) -> None:
        with self._counting:
            self.counts[what] += 1

    def is_limited(self, path: str) -> bool:
        """Whether the rate limit holds for it; what else there is has a limit of its own."""
        return path.startswith(self.limited)

    def close_for(self, path: str, seconds: int) -> None:
        """A 429 with Retry-After goes out now: what comes before its end comes too early."""
        present, limited = time.monotonic(), self.is_limited(path)
        with self._counting:
            since, until = self._closed.get(limited, (0.0, 0.0))
            self._closed[limited] = (since if present < until else present, max(until, present + seconds))

    def note_arrival(self, path: str) -> None:
        limited = self.is_limited(path)
        if limited:
            self.count("requests")
        since, until = self._closed.get(limited, (0.0, 0.0))
        if since + self.dice.faults.early_grace_seconds < time.monotonic() < until:
            self.count("early")


class Handler(BaseHTTPRequestHandler):
    server: FaultyServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        self.close_connection = self.close_connection or not self.server.keeps_connections
        url = urlsplit(self.path)
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        query = tuple(parse_qsl(url.query, keep_blank_values=True))
        request = Request(self.command, url.path, query, self.headers, content)
        if request.parts[0] == "control":
            return self._answer(self._control(request))
        try:
            work = self.server.accept(request)
        except Refused as refused:
            return self._answer(refused.answer)
        if request.path.startswith(self.server.spared):
            return self._answer(work())
        self.server.under_way.append(work)
        try:
            self._run(work, request)
        finally:
            self.server.under_way.remove(work)
        return None

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _run(self, work: Work, request: Request) -> None:
        """Count the request, and let it meet its fate."""
        dice = self.server.dice
        self.server.note_arrival(request.path)
        if self.server.is_limited(request.path) and not dice.within_rate():
            self.server.count("violations")
            return self._answer_too_many(request, 1, tell=True)
        fault = dice.fate(request.path, write=request.method != "GET")
        if fault is None:
            return self._answer(work())
        self.server.count(fault.name.lower())
        return self._fail(fault, work, request, dice)

    def _fail(self, fault: Fault, work: Work, request: Request, dice: Dice) -> None:
        match fault:
            case Fault.TOO_MANY:
                self._answer_too_many(request, dice.retry_seconds(), tell=dice.coin())
            case Fault.UNAVAILABLE:
                self._answer((503, self.server.failure(503, "try again")))
            case Fault.BROKEN:
                if dice.coin():
                    work()
                self._answer((500, self.server.failure(500, "something broke")))
            case Fault.ODD:
                status, body = work()
                self._answer((status, self.server.odd(body) if status < 300 else body))
            case Fault.SLOW:
                time.sleep(dice.late_seconds())
                self._answer(work())
            case Fault.DROP_BEFORE:
                self._hang_up()
            case Fault.DROP_AFTER:
                work()
                self._hang_up()
            case Fault.DROP_LATE:
                self._hang_up()
                time.sleep(dice.late_seconds())
                work()
            case Fault.HANG:
                time.sleep(dice.late_seconds())
                work()
                time.sleep(dice.faults.hang_seconds)
                self._hang_up()

    def _control(self, request: Request) -> Answer:
        if request.headers["Authorization"] != f"Bearer {self.server.control_token}":
            return 401, {"problem": "who are you?"}
        try:
            match request.method, request.parts[1:]:
                case "PUT", ["faults"]:
                    self.server.set_faults(Faults.from_json(request.json()))
                case "GET", ["counts"]:
                    return 200, {**self.server.counts, "under_way": len(self.server.under_way)}
                case _:
                    return self.server.control(request)
        except Refused as refused:
            return refused.answer
        except (ValueError, TypeError, KeyError) as exc:
            return 400, {"problem": str(exc)}
        return 200, {}

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _answer_too_many(self, request: Request, seconds: int, *, tell: bool) -> None:
        headers = self.server.limit_headers(seconds)
        if tell:
            self.server.close_for(request.path, seconds)
            headers["Retry-After"] = str(seconds)
        self._answer((429, self.server.failure(429, "too many requests")), headers)

    def _answer(self, answer: Answer, headers: dict[str, str] | None = None) -> None:
        status, members = answer
        content = b"" if status == 204 else json.dumps(members).encode()
        named = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
        if self.close_connection:
            named["Connection"] = "close"
        head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        self.wfile.write(f"HTTP/1.1 {status} -\r\n{head}\r\n".encode() + content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: the ledger is what counts."""


def serve(server: FaultyServer) -> threading.Thread:
    """Serve in a thread of its own, for what runs in this process."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    return thread
