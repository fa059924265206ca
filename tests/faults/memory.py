"""What the portal's clients were promised. A 2xx answer is a promise; nothing else is."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class PromisedKey:
    """A key that a 2xx answer told its client about."""

    id: str
    plugin: str
    operation: str = ""
    secret: Any = None
    """As it was shown: a text, or an object of an OAuth client."""
    end_asked: bool = False
    """The client asked for its end (and may not have heard the answer): it need not be alive."""
    end_promised: bool = False
    """The client was told that it ends: it must not be alive."""
    status: str = "requested"
    """As the client saw it last."""

    @property
    def text(self) -> str:
        """What has to be kept secret."""
        return str(self.secret["client_secret"] if isinstance(self.secret, dict) else self.secret)

    @property
    def shown_id(self) -> str | None:
        """What the provider calls the credential, where that was shown with the secret."""
        return self.secret["client_id"] if isinstance(self.secret, dict) else None

    @property
    def is_open(self) -> bool:
        return self.status in ("requested", "revoking")


@dataclass
class Customer:
    """One customer, used by one client at a time."""

    id: str
    user: str
    keys: dict[str, PromisedKey] = field(default_factory=dict)
    provisionings: list[str] = field(default_factory=list)
    """Ids of operations."""
    busy: threading.Lock = field(default_factory=threading.Lock)

    def promised(self, key: str, plugin: str) -> PromisedKey:
        return self.keys.setdefault(key, PromisedKey(key, plugin))

    def may_act_at(self, plugin: str) -> bool:
        """Operations of one customer at one plugin run one at a time: don't pile them up."""
        return not any(key.is_open for key in self.keys.values() if key.plugin == plugin)

    def active(self, plugin: str) -> list[PromisedKey]:
        return [
            key
            for key in self.keys.values()
            if key.plugin == plugin and key.status == "active" and not key.end_asked
        ]


class Memory:
    """All clients' memory together."""

    def __init__(self) -> None:
        self.customers: list[Customer] = []
        self.broken_promises: list[str] = []
        """What a client saw that must not happen, such as a request that was never answered."""

    def promised_keys(self) -> Iterator[PromisedKey]:
        for customer in self.customers:
            yield from list(customer.keys.values())
