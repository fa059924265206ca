"""A call has an end, however slowly its answer comes."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from provisioning.http import make_client, retry_after

PRESENT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOON = timedelta(seconds=0.4)


@contextmanager
def server(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that does ``behave`` with each connection; yields its URL."""
    ended, listening = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                behave(connection, ended)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    ended.set()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def trickle(first: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Sends something often enough that no single read times out."""

    def behave(connection: socket.socket, ended: threading.Event) -> None:
        try:
            connection.sendall(first)
            while not ended.wait(0.05):
                connection.sendall(b"a")
        except OSError:
            return

    return behave


@pytest.mark.parametrize(
    "first", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"]
)
def test_an_answer_that_trickles_is_cut_off(first: bytes) -> None:
    with server(trickle(first)) as url, make_client(connect=SOON, total=SOON) as client:
        hopeless = pytest.raises(httpx.HTTPError)
        with hopeless:
            client.get(url)


def test_a_call_whose_time_was_over_before_it_was_connected_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo

    def slowly(*arguments: Any, **named: Any) -> Any:
        threading.Event().wait(SOON.total_seconds() * 2)
        return look_up(*arguments, **named)

    with server(trickle(b"HTTP/1.1 200 OK\r\nX-Slow: ")) as url:
        monkeypatch.setattr(socket, "getaddrinfo", slowly)
        hopeless = pytest.raises(httpx.HTTPError)
        with make_client(connect=SOON, total=SOON) as client, hopeless:
            client.get(url)


def test_a_connection_serves_one_call() -> None:
    connections = []

    def behave(connection: socket.socket, ended: threading.Event) -> None:
        connections.append(1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with server(behave) as url, make_client(connect=SOON, total=SOON) as client:
        assert [client.get(url).text for _ in range(2)] == ["ok", "ok"]
    assert len(connections) == 2


def test_redirects_are_not_followed() -> None:
    def behave(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n")

    with server(behave) as url, make_client(connect=SOON, total=SOON) as client:
        assert client.get(url).status_code == 302


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("99999999", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: int | None) -> None:
    told = retry_after({"retry-after": value}, PRESENT)
    assert told == (None if seconds is None else timedelta(seconds=seconds))
