"""What the provider's API does: strict bodies in, ids and secrets of its own choosing out."""

import re
import secrets
import threading
import time
from typing import Any

from tests.fakes import faulty
from tests.fakes.faulty import Answer, Work
from tests.fakes.ledger import Ledger, digest
from tests.fakes.provider.ledger import Truth

PAGE = 50
_ID = re.compile(r"[a-z0-9-]{1,64}")
_TEXT, _TAGS = str, dict
_MEMBERS: dict[str, dict[str, tuple[type, bool]]] = {
    "organizations": {"name": (_TEXT, True), "tags": (_TAGS, True)},
    "users": {"organization": (_TEXT, True), "email": (_TEXT, True), "tags": (_TAGS, True)},
    "credentials": {
        "organization": (_TEXT, True), "user": (_TEXT, True), "name": (_TEXT, True),
        "scopes": (list, True), "lifetime_seconds": (int, False), "tags": (_TAGS, True),
    },
}  # fmt: skip
_MEMBERS["chosen-credentials"] = {**_MEMBERS["credentials"], "secret": (_TEXT, True)}
"""For each kind: member → its type, and whether it must be there."""


class Refused(faulty.Refused):
    def __init__(self, status: int, problem: str) -> None:
        super().__init__(status, {"problem": problem})


class Resources:
    """Requests are checked when they arrive; what ``accept`` returns commits them, then or later."""

    def __init__(self, ledger: Ledger[Truth]) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._visible_at: dict[str, float] = {}
        self.lookup_lag_seconds = 0.0

    def accept(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Work:
        """What the request will do. Raises ``Refused`` for one that never will."""
        match method, parts:
            case "POST", ["organizations" | "users" | "credentials" as kind]:
                asked = _checked(kind, body)
                return self._locked(lambda: self._create(kind, asked))
            case "PUT", ["chosen-credentials", id] if _ID.fullmatch(id):
                asked = _checked("chosen-credentials", body)
                return self._locked(lambda: self._put(id, asked))
            case "POST", ["credentials", id, "rotate"]:
                return self._locked(lambda: self._rotate(id))
            case "DELETE", ["credentials" | "chosen-credentials" as kind, id]:
                return self._locked(lambda: self._delete(kind, id))
            case "GET", ["organizations" | "users" | "credentials" | "chosen-credentials" as kind]:
                return self._locked(lambda: self._list(kind, query))
            case "GET", ["credentials" | "chosen-credentials" as kind, id]:
                return self._locked(lambda: (200, _shown(id, self._living(kind, id))))
            case "POST", ["accepts"] if isinstance(body, dict) and isinstance(body.get("secret"), str):
                return self._locked(lambda: (200, {"accepted": self._ledger.truth.accepts(body["secret"])}))
            case "GET", ["status"]:
                return lambda: (200, {"well": True})
        raise Refused(404, "no such endpoint")

    def add_strangers(self, count: int) -> None:
        """Credentials that are none of the portal's business."""
        for number in range(count):
            tags = {"marker": f"stranger-{number}", "portal": "https://another.example.com"}
            asked = {"organization": "o", "user": "u", "name": "stranger", "scopes": [], "tags": tags}
            with self._lock:
                self._create("credentials", asked)

    def _locked(self, work: Work) -> Work:
        def run() -> Answer:
            try:
                with self._lock:
                    return work()
            except Refused as refused:
                return refused.answer

        return run

    def _create(self, kind: str, asked: dict[str, Any]) -> Answer:
        id = f"{kind[:3]}-{secrets.token_hex(8)}"
        self._visible_at[id] = time.monotonic() + self.lookup_lag_seconds
        if kind != "credentials":
            self._ledger.commit("created", kind, id, object=asked)
            return 201, {"id": id, **asked}
        secret = f"rs_{secrets.token_urlsafe(24)}"
        stored = _stored(asked, secret)
        self._ledger.commit("created", kind, id, object=stored)
        return 201, {**_shown(id, stored), "secret": secret}

    def _put(self, id: str, asked: dict[str, Any]) -> Answer:
        """Creates it, or leaves it as it is; the same id with another secret is a conflict."""
        stored = _stored({name: asked[name] for name in asked if name != "secret"}, asked["secret"])
        known = self._ledger.truth.alive["chosen-credentials"].get(id)
        if known is not None:
            if known["digest"] != stored["digest"]:
                raise Refused(409, "this id has another secret")
            return 200, _shown(id, known)
        self._visible_at[id] = time.monotonic() + self.lookup_lag_seconds
        self._ledger.commit("created", "chosen-credentials", id, object=stored)
        return 201, _shown(id, stored)

    def _rotate(self, id: str) -> Answer:
        self._living("credentials", id)
        secret = f"rs_{secrets.token_urlsafe(24)}"
        self._ledger.commit("rotated", "credentials", id, digest=digest(secret))
        return 200, {"id": id, "secret": secret}

    def _delete(self, kind: str, id: str) -> Answer:
        self._living(kind, id)
        self._ledger.commit("deleted", kind, id)
        return 204, {}

    def _living(self, kind: str, id: str) -> dict[str, Any]:
        found = self._ledger.truth.alive[kind].get(id)
        if found is None:
            raise Refused(404, "no such object")
        return found

    def _list(self, kind: str, query: dict[str, str]) -> Answer:
        """A page in the order of creation; ``tag.<name>=``, ``organization=`` and ``email=`` filter."""
        query = dict(query)
        after = int(query.pop("after", "0"))
        present = time.monotonic()
        found = [
            _shown(id, thing)
            for id, thing in self._ledger.truth.alive[kind].items()
            if self._visible_at.get(id, 0) <= present
            and all(_matches(thing, *term) for term in query.items())
        ]
        following = after + PAGE if after + PAGE < len(found) else None
        return 200, {"items": found[after : after + PAGE], "next": following}


def _checked(kind: str, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Refused(400, "the body is no JSON object")
    members = _MEMBERS[kind]
    wrong = set(body) - set(members)
    wrong |= {name for name, (_, needed) in members.items() if needed and name not in body}
    wrong |= {name for name in members if name in body and type(body[name]) is not members[name][0]}
    if wrong:
        raise Refused(422, f"missing, unknown or of another type: {', '.join(sorted(wrong))}")
    return body


def _stored(asked: dict[str, Any], secret: str) -> dict[str, Any]:
    lifetime = asked.get("lifetime_seconds")
    expires_at = None if lifetime is None else time.time() + lifetime
    kept = {name: asked[name] for name in asked if name != "lifetime_seconds"}
    return {**kept, "expires_at": expires_at, "digest": digest(secret)}


def _shown(id: str, thing: dict[str, Any]) -> dict[str, Any]:
    return {"id": id, **{name: thing[name] for name in thing if name != "digest"}}


def _matches(thing: dict[str, Any], name: str, value: str) -> bool:
    if name.startswith("tag."):
        return bool(thing["tags"].get(name.removeprefix("tag.")) == value)
    return bool(thing.get(name) == value)
