"""What a tenant starts with; it travels to its process in environment variables."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from tests.fakes.auth0.ledger import AUDIENCE, Truth
from tests.fakes.ledger import Ledger

VARIABLE = "FAKE_AUTH0_SETUP"
TEN_SCOPES = (
    "create:client_grants", "read:users", "create:users", "update:users", "create:clients",
    "create:organizations", "read:organizations", "update:organizations",
    "create:organization_members", "create:organization_client_grants",
)  # fmt: skip
OPTIONAL_SCOPES = ("read:clients", "delete:clients", "update:client_keys", "read:client_grants")
ALL = (*TEN_SCOPES, *OPTIONAL_SCOPES)


@dataclass(frozen=True)
class Setup:
    """``scopes`` are the management application's, ``api_scopes`` those that the API knows."""

    folder: str
    control_token: str
    client_id: str
    client_secret: str
    audience: str = AUDIENCE
    api_scopes: tuple[str, ...] = ("orders:read", "orders:write")
    scopes: tuple[str, ...] = ALL

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        members: dict[str, Any] = json.loads(environ[VARIABLE])
        lists = {name: tuple(members[name]) for name in ("api_scopes", "scopes")}
        return cls(**{**members, **lists})

    @property
    def environ(self) -> dict[str, str]:
        return {VARIABLE: json.dumps(asdict(self))}

    @property
    def ca_file(self) -> Path:
        return Path(self.folder) / "ca.pem"

    @property
    def ledger_file(self) -> Path:
        return Path(self.folder) / "auth0.ledger"

    def ledger(self) -> Ledger[Truth]:
        return Ledger(self.ledger_file, Truth(self.audience))
