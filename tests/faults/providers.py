"""The fakes that stand for providers, and what the campaign needs to know of each."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from tests.fakes.auth0.process import ALL, Auth0Process
from tests.fakes.ledger import Truth
from tests.fakes.provider.process import ProviderProcess

STRANGERS = 20
Thing = tuple[str, str, str]
"""Kind, id and what it is."""


class Provider(Protocol):
    """A fake as a process of its own; its ledger is the truth about its plugins' keys."""

    plugins: dict[str, int]
    """Slug → how much of the load is for it."""
    obeys_limits: bool
    """Whether its plugins promise to ask nothing before ``Retry-After`` is over."""

    @property
    def settings(self) -> dict[str, str]: ...

    def set_faults(self, **faults: Any) -> None: ...

    def add_strangers(self, count: int) -> None: ...

    def add_stray(self, portal_url: str) -> object: ...

    def delete_named(self, name: str) -> int:
        """Delete by hand what has exactly this name; returns how many there were."""

    def counts(self) -> dict[str, int]: ...

    def is_idle(self) -> bool: ...

    def truth(self) -> Truth: ...

    def accounts(self, truth: Any) -> Iterator[str]:
        """What there must be one of: names that don't repeat unless something was made twice."""

    def close(self) -> None: ...


class Remote(ProviderProcess):
    """The plain provider, which doubles whatever it is asked twice."""

    plugins = {"remote": 4, "remote-chosen": 3}
    obeys_limits = False

    def delete_named(self, name: str) -> int:
        return 0  # its credentials' names say nothing

    def accounts(self, truth: Truth) -> Iterator[str]:
        for kind in ("organizations", "users"):
            for thing in truth.alive[kind].values():
                yield f"{kind} {json.dumps(thing, sort_keys=True)}"

    def close(self) -> None:
        self.__exit__()


class Auth0(Auth0Process):
    """The strict tenant."""

    plugins = {"auth0-m2m": 8}
    obeys_limits = True

    def delete_named(self, name: str) -> int:
        return self.delete_client_named(name)

    def accounts(self, truth: Truth) -> Iterator[str]:
        """A customer has one organization and, here, one user in it; a key one grant, in one organization."""
        customers = {
            id: json.dumps(organization.get("metadata"), sort_keys=True)
            for id, organization in truth.alive["organizations"].items()
        }
        yield from (f"organization of {customer}" for customer in customers.values())
        yield from (f"user {user['email']}" for user in truth.alive["users"].values())
        for member in truth.alive["members"].values():
            yield f"member of {customers[member['organization']]}"
            yield f"membership of {member['user']}"
        for grant in truth.alive["client-grants"].values():
            yield f"grant of {grant['client_id']}"
        for placed in truth.alive["organization-grants"].values():
            yield f"place of grant {placed['grant']}"

    def close(self) -> None:
        self.__exit__()


class Providers:
    """All of them."""

    def __init__(self, folder: Path) -> None:
        self.remote, self.auth0 = Remote(folder), Auth0(folder)
        self.all: tuple[Provider, ...] = (self.remote, self.auth0)
        self.scopes: tuple[str, ...] = ALL
        """What the portal may do at Auth0."""
        self._strangers: dict[Provider, set[Thing]] = {}

    @property
    def weights(self) -> dict[str, int]:
        """Plugin → how much of the load is for it."""
        return {slug: weight for provider in self.all for slug, weight in provider.plugins.items()}

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables for a portal that is to use them."""
        return {name: value for provider in self.all for name, value in provider.settings.items()}

    def set_faults(self, **faults: Any) -> None:
        for provider in self.all:
            provider.set_faults(**faults)

    def permit(self, scopes: tuple[str, ...]) -> None:
        """From now on; a token that the portal has already keeps what it had."""
        self.auth0.set_scopes(*scopes)
        self.scopes = scopes

    def early(self) -> int:
        """Requests so far that came before ``Retry-After`` was over."""
        return sum(provider.counts().get("early", 0) for provider in self.all if provider.obeys_limits)

    def are_idle(self) -> bool:
        """Whether every request has had its effect, those too whose client is gone."""
        return all(provider.is_idle() for provider in self.all)

    def add_strangers(self) -> None:
        """Before anything else is there: what is none of the portal's business."""
        for provider in self.all:
            provider.add_strangers(STRANGERS)
            self._strangers[provider] = _things(provider.truth())

    def harmed(self, provider: Provider, truth: Truth) -> set[Thing]:
        """Strangers' things that are gone or changed."""
        return self._strangers.get(provider, set()) - _things(truth)

    def close(self) -> None:
        for provider in self.all:
            provider.close()


def _things(truth: Truth) -> set[Thing]:
    return {
        (kind, id, json.dumps(thing, sort_keys=True))
        for kind, things in truth.alive.items()
        for id, thing in things.items()
    }
