"""A web server that is killed in the middle of POSTs: repeated, each made its key exactly once."""

import http.client
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
import pytest

from tests.real.http_calls import Answer
from tests.real.portal import Owner, Portal, free_port
from tests.real.required import require_proc
from tests.real.waiting import eventually

ROUNDS, AT_ONCE = 10, 4


class WebServer:
    """A further web server of the portal, to be killed."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = self._portal.spawn("serve", "--prepared", "--workers", "1", "--port", str(self._port))
        self._portal.wait_ready(self.url)

    def kill_all(self) -> None:
        """Kill -9 its main process; the kernel has to end the one that answers."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None
        name = f"--port {self._port}"
        eventually(lambda: not self._portal.processes(name), "its worker process ended too", seconds=5)

    def kill_answering(self) -> None:
        """Kill -9 only the process that answers; its parent starts another."""
        assert self._process is not None
        for process in self._portal.processes(f"--port {self._port}"):
            if process.parent == self._process.pid:
                process.kill()

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def server(portal: Portal) -> Iterator[WebServer]:
    require_proc()
    server = WebServer(portal)
    server.start()
    yield server
    server.close()


@dataclass
class Post:
    """One request for a key, told apart by its Idempotency-Key, which is the key's name too."""

    portal: Portal
    owner: Owner
    name: str = field(default_factory=lambda: uuid4().hex)
    answer: Answer | None = None

    def send(self, url: str) -> Answer:
        body = {**self.owner.body, "name": self.name}
        return self.portal.api("POST", "/keys", body, url=url, idempotency_key=self.name)

    def try_once(self, url: str) -> None:
        try:
            self.answer = self.send(url)
        except (OSError, http.client.HTTPException):
            self.answer = None  # the server was killed before it answered


def send_and_kill(posts: list[Post], server: WebServer, *, after: float, everything: bool) -> None:
    """Send all at once, and kill the server in the midst of them."""
    threads = [threading.Thread(target=post.try_once, args=(server.url,)) for post in posts]
    for thread in threads:
        thread.start()
    time.sleep(after)
    if everything:
        server.kill_all()
    else:
        server.kill_answering()
    for thread in threads:
        thread.join()
    if everything:
        server.start()


def keys_of(portal: Portal, owner: Owner) -> list[dict[str, Any]]:
    listed = portal.api("GET", f"/keys?customer={owner.customer}&limit=200").json()
    assert listed["next"] is None
    return list(listed["results"])


def is_accepted(portal: Portal, secret: str) -> bool:
    published = {jwk["kid"]: jwk for jwk in portal.get("/.well-known/jwks.json").json()["keys"]}
    key = jwt.PyJWK(published[jwt.get_unverified_header(secret)["kid"]])
    return bool(jwt.decode(secret, key, algorithms=["RS256"], issuer=portal.url))


def test_a_repeat_after_kill_9_gives_the_same_single_key(
    portal: Portal, owner: Owner, server: WebServer
) -> None:
    seed = random.randrange(2**32)
    moments, interrupted = random.Random(seed), 0
    usual = seconds_of(lambda: Post(portal, portal.add_owner()).send(server.url))
    all_posts: list[Post] = []
    for turn in range(ROUNDS):
        posts = [Post(portal, owner) for _ in range(AT_ONCE)]
        after = moments.uniform(0, AT_ONCE * usual)
        send_and_kill(posts, server, after=after, everything=turn % 2 == 0)
        interrupted += sum(post.answer is None for post in posts)
        for post in posts:
            eventually(lambda: responds(portal, server), "it answers again")
            repeat = post.send(server.url)
            assert repeat.status == 201, f"seed {seed}, turn {turn}: {repeat.body!r}"
            if post.answer is not None:
                assert post.answer.body == repeat.body, f"seed {seed}, turn {turn}"
            assert is_accepted(portal, repeat.json()["secret"])
            post.answer = repeat
        all_posts += posts

    assert interrupted > 0, f"seed {seed}: no kill came in time, so nothing was tried"
    found = keys_of(portal, owner)
    assert Counter(key["name"] for key in found) == Counter(post.name for post in all_posts), f"seed {seed}"
    assert {key["status"] for key in found} == {"active"}
    ids = {post.name: post.answer.json()["id"] for post in all_posts if post.answer}
    assert ids == {key["name"]: key["id"] for key in found}
    assert "intact" in portal.manage("verify_audit").stdout


def seconds_of(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def responds(portal: Portal, server: WebServer) -> bool:
    try:
        return portal.api("GET", "/keys?limit=1", url=server.url).status == 200
    except (OSError, http.client.HTTPException):
        return False
