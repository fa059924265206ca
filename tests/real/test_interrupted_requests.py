"""A web server that is killed in the middle of POSTs: repeated, each made its key exactly once."""

import http.client
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
import pytest

from tests.real.http_calls import Answer, request
from tests.real.portal import Owner, Portal, free_port
from tests.real.processes import Process
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

    def victims(self, *, everything: bool) -> list[Process]:
        """All its processes, or only the one that answers, which the main one then replaces."""
        assert self._process is not None
        found = self._portal.processes(f"--port {self._port}")
        return [process for process in found if everything or process.pid != self._process.pid]

    def was_killed(self) -> None:
        """The main process is among the dead: wait for it, so that it can be started again."""
        assert self._process is not None
        assert self._process.wait(5) == -signal.SIGKILL
        self._process = None

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

    @property
    def key_id(self) -> str:
        assert self.answer is not None
        return str(self.answer.json()["id"])

    def try_once(self, url: str) -> None:
        try:
            self.answer = self.send(url)
        except (OSError, http.client.HTTPException):
            self.answer = None  # the server was killed before it answered


def send(posts: list[Post], server: WebServer, *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Send all at once; returns when each was answered or cut off."""
    threads = [threading.Thread(target=post.try_once, args=(server.url,)) for post in posts]
    for thread in threads:
        thread.start()
    meanwhile()
    for thread in threads:
        thread.join()


def send_and_kill(posts: list[Post], server: WebServer, *, after: float, everything: bool) -> None:
    """Kill -9 the server (or only its process that answers) in the midst, and wait until it is back."""
    victims = server.victims(everything=everything)  # looked up before: that takes longer than a POST

    def kill() -> None:
        time.sleep(after)
        for process in victims:
            process.kill()

    send(posts, server, meanwhile=kill)
    if everything:
        server.was_killed()
        server.start()
    eventually(lambda: responds(server), "it answers again")


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
    moments = random.Random(seed)
    owner_of_others = portal.add_owner()
    usual = usual_seconds(portal, server)
    posts: list[Post] = []
    half_done = 0

    for turn in range(ROUNDS):
        batch = [Post(portal, owner) for _ in range(AT_ONCE)]
        Post(portal, owner_of_others).send(server.url)  # a server that just started is slower
        send_and_kill(batch, server, after=moments.uniform(0, usual), everything=turn % 2 == 0)
        begun = {key["name"] for key in keys_of(portal, owner)}
        half_done += sum(post.answer is None and post.name in begun for post in batch)
        for post in batch:
            repeat = post.send(server.url)
            assert repeat.status == 201, f"seed {seed}, turn {turn}: {repeat.body!r}"
            assert post.answer is None or post.answer.body == repeat.body, f"seed {seed}, turn {turn}"
            assert is_accepted(portal, repeat.json()["secret"])
            post.answer = repeat
        posts += batch

    assert half_done > 0, f"seed {seed}: no kill fell between a change and its answer"
    found = keys_of(portal, owner)
    assert sorted(key["name"] for key in found) == sorted(post.name for post in posts), f"seed {seed}"
    assert {key["status"] for key in found} == {"active"}
    assert {key["name"]: key["id"] for key in found} == {post.name: post.key_id for post in posts}
    assert "intact" in portal.manage("verify_audit").stdout


def usual_seconds(portal: Portal, server: WebServer) -> float:
    """How long a batch takes that nobody interrupts, once the server is warm."""
    owner = portal.add_owner()
    send([Post(portal, owner) for _ in range(AT_ONCE)], server)
    batch = [Post(portal, owner) for _ in range(AT_ONCE)]
    started = time.monotonic()
    send(batch, server)
    return time.monotonic() - started


def responds(server: WebServer) -> bool:
    try:
        return request(server.url + "/readyz").status == 200
    except (OSError, http.client.HTTPException):
        return False
