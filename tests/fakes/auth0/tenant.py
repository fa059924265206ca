"""What all endpoints share: the ledger and its lock, limits, and the raw secrets that were shown."""

import secrets
import string
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes.auth0.ledger import Truth
from tests.fakes.auth0.refusals import refused
from tests.fakes.faulty import Answer, Refused, Work
from tests.fakes.ledger import Ledger, Line

_DEPENDENT = {
    "clients": [("client-grants", "client_id")],
    "client-grants": [("organization-grants", "grant")],
    "organizations": [("members", "organization"), ("organization-grants", "organization")],
    "users": [("members", "user")],
}
"""For each kind: what goes with it, and by which member that names it."""
_ALPHANUMERIC = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Call:
    """A request that was let in: path parameters, query, body and the token's scopes."""

    ids: tuple[str, ...]
    query: dict[str, str]
    body: dict[str, Any]
    scopes: frozenset[str]


@dataclass
class Tenant:
    ledger: Ledger[Truth]
    api_scopes: frozenset[str]
    management_audience: str
    counts: Counter[str] = field(default_factory=Counter)
    applications: int = 100_000
    lookup_lag_seconds: float = 0
    client_secrets: dict[str, str] = field(default_factory=dict)
    """The secrets of living clients, raw, by client."""
    shown: list[str] = field(default_factory=list)
    """Every raw secret that went over the wire, in either direction."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def truth(self) -> Truth:
        return self.ledger.truth

    def locked(self, work: Callable[[], Answer]) -> Work:
        def run() -> Answer:
            try:
                with self.lock:
                    return work()
            except Refused as refusal:
                return refusal.answer

        return run

    def living(self, kind: str, id: str, missing: str, code: str = "") -> dict[str, Any]:
        """Raises ``Refused`` with 404 when there is none."""
        found = self.truth.alive[kind].get(id)
        if found is None:
            raise refused(404, missing, code)
        return found

    def visible(self, kind: str, ids: Iterable[str]) -> list[str]:
        """Those that lists show already."""
        lag = self.lookup_lag_seconds
        return list(ids) if not lag else [id for id in ids if self.truth.age_seconds(kind, id) >= lag]

    def created_at(self, kind: str, id: str) -> str:
        moment = datetime.fromtimestamp(self.truth.created_at[kind, id], UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def delete(self, kind: str, id: str) -> None:
        """The object and everything that depends on it."""
        lines = self._deletions(kind, id)
        self.ledger.commit_all(lines)
        for line in lines:
            self.client_secrets.pop(line["id"], None)

    def _deletions(self, kind: str, id: str) -> list[Line]:
        dependent = [
            line
            for other, member in _DEPENDENT.get(kind, ())
            for found in self.truth.found(other, member, id)
            for line in self._deletions(other, found)
        ]
        return [*dependent, {"event": "deleted", "kind": kind, "id": id}]


def alphanumeric(length: int) -> str:
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))
