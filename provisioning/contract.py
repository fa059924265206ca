"""The whole contract between the portal and a plugin, in one file.

A plugin is a class with a ``slug`` and ``from_config``; its three verbs are those of the seed
document. What it can do beyond them it says by implementing ``Finds``, ``Revokes``, ``Rotates``,
``Lists`` or ``Checks``. The portal calls a plugin with no database transaction open, possibly
more than once for the same request and from several processes: every remote creation therefore
goes through ``Calls.ensure``.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from provisioning.config import GetConfig
from provisioning.errors import Misconfigured
from provisioning.secret import Secret
from tokens.jwk import PrivateKey

LONGEST_LIFE = timedelta(days=3650)
"""No key is made to live longer than ten years."""

LONGEST_ID = 255
"""Ids of remote objects are stored; a longer one isn't."""

CONTRACT_VERSION = 1
"""A plugin names the version it was written for; the registry refuses another."""

SLUG = re.compile(r"(?=.{1,40}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""A slug is lower-case words joined by hyphens; it stands in the API, in settings and in rows."""


@dataclass(frozen=True)
class KeyRequest:
    """One key to create, the same at every attempt.

    ``marker`` is unique for this request and safe in names and tags (``[a-z0-9-]{1,40}``).
    ``expires_in`` is None when the plugin's own default counts. ``claims`` are extra claims for
    keys that are JWTs (the portal puts ``status`` there).
    """

    marker: str
    key_id: str
    user_id: str
    name: str
    scopes: tuple[str, ...] = ()
    expires_in: timedelta | None = None
    subscription_id: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RemoteUser:
    """What a customer's user is at the provider; ``id`` is the provider's id for it."""

    id: str
    email: str
    organization_id: str | None = None


@dataclass(frozen=True)
class CreatedKey:
    """A credential that now exists.

    ``secret`` is what the customer gets, shown once. ``external_id`` is the provider's id of
    the credential. ``public`` holds what may always be shown beside the secret (client_id,
    token_url …): with it, the customer is given an object, else the bare text.
    """

    secret: Secret
    external_id: str
    expires_at: datetime | None = None
    kid: str | None = None
    jti: str | None = None
    public: Mapping[str, str] = field(default_factory=dict)


def check_id(id: str) -> None:
    """Raise ``Misconfigured`` for an id that no remote object can be found by again."""
    if not (isinstance(id, str) and 1 <= len(id) <= LONGEST_ID):
        raise Misconfigured("invalid_resource_id", f"The plugin gave no id of 1 to {LONGEST_ID} characters.")


@dataclass(frozen=True)
class Resource:
    """A remote object: its id there and, when the provider shows one at creation, its secret."""

    id: str
    secret: Secret | None = None


class Calls(Protocol):
    """The call ledger: at most one remote object a step, whatever crashes."""

    def ensure(
        self,
        step: str,
        *,
        create: Callable[[], Resource],
        find: Callable[[], Resource | None] | None = None,
        renew: Callable[[str], Secret] | None = None,
        account: str | None = None,
        personal: bool = False,
    ) -> Resource:
        """Return the step's resource, creating it at most once.

        The intent is stored before ``create`` runs and the id after it. ``create`` sends one request
        and ends within 15 seconds, waiting for its turn included. After a crash or an
        ``OutcomeUnknown`` the step first waits until the lost request can no longer land, then
        asks ``find``; without ``find`` it stops for a person. Where repeating the request is
        harmless (a ``PUT`` under an id of our choosing) ``find`` may be ``create`` itself.
        With ``account`` (a kind such as ``organization``) the resource belongs to the customer,
        not to this request, and later requests get the same one; ``personal`` makes it the
        user's within the customer. A secret is kept sealed until the request has ended; one that was
        lost before it could be kept is replaced by ``renew``, which is given the resource's id.
        """

    def forget(self, step: str, *, account: str | None = None, personal: bool = False) -> None:
        """Let the next ``ensure`` of that step create anew: what it had created is gone at the provider.

        Only for what was seen to be gone: somebody deleted it there, or the plugin just did.
        """

    def choose(self, step: str, make: Callable[[], Secret]) -> Secret:
        """Return the secret of our own choosing, the same at every attempt; ``step`` is a name of its own.

        ``make`` is called once in the life of the request; what it gave is stored sealed before
        this returns, and erased when the request has ended.
        """


@dataclass(frozen=True)
class Rate:
    """``per_second`` calls on average; after a quiet time ``burst`` of them at once."""

    per_second: float
    burst: int = 1


class Rates(Protocol):
    """Turns at a provider, given out in one order to all processes of the portal together."""

    def take(self, bucket: str, rate: Rate) -> None:
        """Wait for a turn under ``rate``. Raises ``Transient`` when it is too far off to wait for.

        A bucket is a kind of call with a limit of its own; start its name with the slug.
        """

    def hold(self, bucket: str, time: timedelta) -> None:
        """Give nobody a turn for that time: the provider answered 429 with ``Retry-After``."""


class Unlimited:
    """``Rates`` that never wait."""

    def take(self, bucket: str, rate: Rate) -> None:
        return None

    def hold(self, bucket: str, time: timedelta) -> None:
        return None


@dataclass(frozen=True)
class SigningKey:
    """The key that signs now. ``key`` is a private key object, or bytes for HS algorithms."""

    kid: str
    algorithm: str
    key: PrivateKey | bytes = field(repr=False)


class Signer(Protocol):
    """Hands out the signing key; asked anew for each signature because it rotates."""

    def current(self) -> SigningKey:
        """Return the active key, or raise ``Misconfigured`` when there is none."""


@dataclass(frozen=True)
class Toolbox:
    """What the portal lends a plugin at start.

    ``now`` is aware and in UTC; ``base_url`` is the portal's public origin, without a trailing slash.
    """

    now: Callable[[], datetime]
    signer: Signer
    base_url: str
    rates: Rates = field(default_factory=Unlimited)


class Plugin(Protocol):
    """The seed's interface. ``customer_id`` is the customer's ``external_id``."""

    slug: ClassVar[str]
    contract_version: ClassVar[int]
    local: ClassVar[bool]
    """True when nothing leaves the process: the portal then creates keys within the request.

    A plugin may also have

    - ``settle``, a ``timedelta``, where a request whose answer was lost may take effect later than the
      20 seconds that the portal waits;
    - ``offered_scopes``, a tuple, where its keys can have no other scopes than these;
    - ``label``, one or two words by which customers know its keys; else they read the slug;
    - ``called(marker)``, the name by which people find a request's credential at the provider, where it
      isn't the marker itself;
    - ``token_lifetime``, a ``timedelta``, where customers exchange their key for tokens: so long after a
      revocation the last one may still be accepted.
    """

    @property
    def default_lifetime(self) -> timedelta | None:
        """How long a key lives when nobody asks for less; None is until it is revoked."""

    @classmethod
    def from_config(cls, get_config: GetConfig, toolbox: Toolbox) -> Self:
        """Parse the configuration; raise ``ConfigError`` naming the bad variable."""

    def get_user(self, customer_id: str, email: str) -> RemoteUser | None: ...

    def provision_user(
        self, customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        """Make sure the user exists at the provider. May be repeated."""

    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        """Create the credential of ``request``. May be repeated; then it creates nothing new.

        May come without ``provision_user`` before it: what the credential needs, it makes sure of.
        """


@dataclass(frozen=True)
class KeyRef:
    """A credential that was created earlier.

    From ``list`` it is as the provider knows it: ``customer_id`` where its tags tell, ``key_id`` may
    be empty.
    """

    marker: str
    key_id: str
    external_id: str
    customer_id: str = ""


@runtime_checkable
class Finds(Protocol):
    def find(self, customer_id: str, marker: str) -> Resource | None:
        """Look a credential up by the marker of its request."""


@runtime_checkable
class Revokes(Protocol):
    def revoke(self, customer_id: str, key: KeyRef) -> None:
        """Make the credential ``key.external_id`` useless; afterwards ``find`` and ``list`` know it no more.

        It may be one of two that carry a marker: the other one stays. Repeating it, or one that is
        gone, is no error.
        """


@runtime_checkable
class Rotates(Protocol):
    def rotate(self, customer_id: str, key: KeyRef) -> Secret:
        """Replace the credential's secret in place and return the new one."""


@runtime_checkable
class Lists(Protocol):
    def list(self) -> Iterator[KeyRef]:
        """Every living credential at the provider that this portal made, for reconciliation.

        What others made is left out: recognise one's own by the marker and the portal's base URL.
        """


@dataclass(frozen=True)
class Problem:
    """Something an operator should mend; ``detail`` says what it costs and how to mend it.

    With ``optional`` the plugin is well, and could do more.
    """

    code: str
    detail: str
    optional: bool = False


@runtime_checkable
class Checks(Protocol):
    def check(self) -> Sequence[Problem]:
        """Reach out to the provider and report what is wrong; empty when all is well."""


CAPABILITIES: Mapping[str, type] = {
    "find": Finds, "revoke": Revokes, "rotate": Rotates, "list": Lists, "check": Checks,
}  # fmt: skip


def capabilities(plugin: Plugin) -> list[str]:
    """Names of the optional protocols that ``plugin`` implements, in a fixed order."""
    return [name for name, protocol in CAPABILITIES.items() if isinstance(plugin, protocol)]
