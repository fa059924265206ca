"""Who does something, and where they may do it. Built by a door, passed first to a service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.utils.translation import gettext as _

from portal.core.errors import NotAllowed
from portal.core.scopes import SCOPES


@dataclass(frozen=True)
class Actor:
    """A user, a management token or the system.

    ``everywhere`` holds the scopes that count for all customers (staff and their tokens);
    ``by_customer`` those that count for one customer's primary key.
    """

    kind: Literal["user", "token", "system"]
    public_id: str
    user_id: int | None = None
    everywhere: frozenset[str] = frozenset()
    by_customer: Mapping[int, frozenset[str]] = field(default_factory=dict)
    admin_of: frozenset[int] = frozenset()
    """Customers whose admin or owner this user is, signed in as a person."""
    ends_at: datetime | None = None
    """When the token that calls expires: what it creates to call with ends then, too."""
    may_reveal: bool = True
    """False for staff without the permission to see secrets, of their own keys too."""
    recent_sign_in: bool = True
    """False for a browser session whose last sign-in is too old for secrets."""

    @property
    def identity(self) -> str:
        """Names the caller in audit rows and idempotency records: ``token tok_…``."""
        return f"{self.kind} {self.public_id}"

    def holds(self, scope: str) -> bool:
        """Whether the scope is held anywhere at all."""
        return scope in self.everywhere or any(scope in held for held in self.by_customer.values())

    def reach(self, scope: str) -> frozenset[int] | None:
        """Customers for which the scope is held; None stands for all of them."""
        if scope in self.everywhere:
            return None
        return frozenset(pk for pk, held in self.by_customer.items() if scope in held)

    def require(self, scope: str, customer_id: int) -> None:
        """Raise ``NotAllowed`` unless the scope is held for that customer."""
        reach = self.reach(scope)
        if reach is not None and customer_id not in reach:
            raise insufficient_scope(scope)

    def require_everywhere(self, scope: str) -> None:
        """Raise ``NotAllowed`` unless the scope is held for all customers (staff)."""
        if scope not in self.everywhere:
            raise insufficient_scope(scope, "for all customers")


def insufficient_scope(scope: str, where: str = "") -> NotAllowed:
    needed = f"{scope} {where}".strip()
    words = _("This needs the scope %(scope)s. Nothing was changed.")
    return NotAllowed("insufficient_scope", words % {"scope": needed})


SYSTEM = Actor(kind="system", public_id="portal", everywhere=frozenset(SCOPES))
