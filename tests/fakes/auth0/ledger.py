"""What exists at the tenant, found by what it refers to."""

import time
from collections.abc import Iterator
from typing import Any

from tests.fakes import ledger
from tests.fakes.ledger import Line, digest

AUDIENCE = "https://api.example.com/"
KINDS = ("users", "organizations", "members", "clients", "client-grants", "organization-grants")
INDEXED = {
    "users": ("email",),
    "organizations": ("name",),
    "members": ("user", "organization"),
    "clients": ("name", "digest"),
    "client-grants": ("client_id",),
    "organization-grants": ("organization", "grant"),
}
TAGS = ("portal", "key", "marker", "customer")


class Truth(ledger.Truth):
    """``audience`` is the API whose grants make a client usable."""

    kinds = KINDS

    def __init__(self, audience: str = AUDIENCE) -> None:
        super().__init__()
        self.audience = audience
        self.created_at: dict[tuple[str, str], float] = {}
        self._index: dict[tuple[str, str, Any], dict[str, None]] = {}

    def apply(self, line: Line) -> None:
        kind, id = line["kind"], line["id"]
        for entry in self._entries(kind, id):
            self._index[entry].pop(id, None)
        super().apply(line)
        if line["event"] == "created":
            self.created_at[kind, id] = line["at"]
        for entry in self._entries(kind, id):
            self._index.setdefault(entry, {})[id] = None

    def found(self, kind: str, member: str, value: str) -> list[str]:
        """Ids of the living objects whose indexed ``member`` is ``value``, in the order of creation."""
        return list(self._index.get((kind, member, value), ()))

    def grant(self, client_id: str, audience: str) -> tuple[str, dict[str, Any]] | None:
        """Id and object of the one grant that this client has for this audience."""
        for id in self.found("client-grants", "client_id", client_id):
            grant = self.alive["client-grants"][id]
            if grant["audience"] == audience:
                return id, grant
        return None

    def scopes(self, client_id: str) -> frozenset[str]:
        """What the client may ask the API for."""
        found = self.grant(client_id, self.audience)
        return frozenset(found[1]["scope"] if found else ())

    def is_associated(self, organization: str, grant: str) -> bool:
        return f"{organization} {grant}" in self.alive["organization-grants"]

    def is_usable(self, client_id: str) -> bool:
        """Whether it gets tokens for the API that name its own organization."""
        found = self.grant(client_id, self.audience)
        default = self.alive["clients"][client_id].get("default_organization")
        if found is None or default is None or found[1].get("organization_usage") != "require":
            return False
        return self.is_associated(default["organization_id"], found[0])

    def credentials(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Kind, id and tags, digest, usability of each living client that some portal made."""
        for id, client in self.alive["clients"].items():
            metadata = client.get("client_metadata", {})
            if "portal" in metadata:
                tags = {name: metadata.get(name, "") for name in TAGS}
                usable = self.is_usable(id)
                yield "clients", id, {
                    "tags": tags, "digest": client["digest"], "expires_at": None, "usable": usable,
                }  # fmt: skip

    def accepts(self, secret: str) -> bool:
        """Whether some living client has this secret and gets tokens for the API with it."""
        return any(self.is_usable(id) for id in self.found("clients", "digest", digest(secret)))

    def age_seconds(self, kind: str, id: str) -> float:
        return time.time() - self.created_at[kind, id]

    def _entries(self, kind: str, id: str) -> list[tuple[str, str, Any]]:
        thing = self.alive[kind].get(id, {})
        return [(kind, member, thing[member]) for member in INDEXED[kind] if member in thing]
