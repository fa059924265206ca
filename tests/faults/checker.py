"""Afterwards: the providers' ledgers, the portal's database and the clients' memory, held together."""

import base64
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.fakes.ledger import Truth, digest
from tests.faults.memory import Memory, PromisedKey
from tests.faults.providers import Provider
from tests.faults.stack import Stack
from tests.real.http_calls import request

FIGURES = ("lost", "duplicated", "orphaned", "zombie", "harmed", "early")
ENDED = ("revoked", "expired", "failed")


@dataclass(frozen=True)
class Finding:
    """Something that must not be: which figure it counts for, about which object, and what it is."""

    figure: str
    id: str
    what: str


class Findings(AssertionError):
    """There are some: a test that says so is never tried again (tests/run_all.py)."""


@dataclass(frozen=True)
class KeyRow:
    id: str
    plugin: str
    status: str
    external_id: str


class Site:
    """One provider as it is now: its credentials that carry this portal's mark, by key."""

    def __init__(self, provider: Provider, portal_url: str) -> None:
        self.provider = provider
        self.truth: Truth = provider.truth()
        self.living: dict[str, dict[str, dict[str, Any]]] = {}
        for _, id, thing in self.truth.credentials():
            if thing["tags"].get("portal") == portal_url:
                self.living.setdefault(thing["tags"].get("key", ""), {})[id] = thing

    def doubles(self) -> Iterator[Finding]:
        for key, living in self.living.items():
            if len(living) > 1:
                yield Finding("duplicated", key, f"{len(living)} living credentials")
        for what, count in Counter(self.provider.accounts(self.truth)).items():
            if count > 1:
                yield Finding("duplicated", what, f"{count} times")


class Checker:
    """Compares once everything has settled."""

    def __init__(self, stack: Stack, memory: Memory) -> None:
        self._portal = stack.portal
        self._providers = stack.providers
        self._memory = memory
        self._sites = [Site(provider, stack.portal.url) for provider in stack.providers.all]
        self._site_of = {slug: site for site in self._sites for slug in site.provider.plugins}
        keys = stack.rows.select("SELECT public_id, plugin, status, external_id FROM portal_issuedkey")
        self._keys = {row[0]: KeyRow(*row) for row in keys}
        asked = "SELECT public_id, state, error_code FROM portal_operation"
        self._operations = {row[0]: (row[1], row[2]) for row in stack.rows.select(asked)}
        failed = "SELECT k.public_id FROM portal_operation o JOIN portal_issuedkey k ON k.id = o.key_id "
        failed += "WHERE o.state IN ('failed', 'needs_attention') AND o.error_code <> ''"
        self._explained = {row[0] for row in stack.rows.select(failed)}

    def findings(self) -> set[Finding]:
        doubles = (finding for site in self._sites for finding in site.doubles())
        return {*self._lost(), *doubles, *self.unwanted(), *self._harmed()}

    def unwanted(self) -> list[Finding]:
        """Credentials that nobody here knows, or that have ended here."""
        found = [finding for site in self._sites for finding in self._strays(site)]
        for promised in self._memory.promised_keys():
            row = self._keys.get(promised.id)
            ended = row is not None and row.plugin not in self._site_of and row.status in ENDED
            if ended and promised.secret and self._introspected(promised.text):
                found.append(Finding("zombie", promised.id, "its JWT is still accepted"))
        return found

    def unowned(self) -> Iterator[tuple[str, str, str]]:
        """Key, id and name of each living credential that belongs to no active key."""
        for site in self._sites:
            for key, living in site.living.items():
                row = self._keys.get(key)
                for id, thing in living.items():
                    if row is None or row.status != "active" or row.external_id != id:
                        yield key, id, thing["tags"].get("marker", "")

    def _lost(self) -> Iterator[Finding]:
        yield from (Finding("lost", what, what) for what in self._memory.broken_promises)
        for key in self._memory.promised_keys():
            if problem := self._broken(key):
                yield Finding("lost", key.id, problem)
        for customer in self._memory.customers:
            for operation in customer.provisionings:
                state = self._operations.get(operation, ("absent", ""))
                if state[0] != "succeeded" and not state[1]:
                    yield Finding("lost", operation, f"provisioning is {state[0]}")
        for operation, (state, code) in self._operations.items():
            if state == "failed":  # nothing here refuses for good
                yield Finding("lost", operation, f"given up: {code}")

    def _broken(self, key: PromisedKey) -> str:
        """How the promise of this key was broken; empty when it was kept."""
        row = self._keys.get(key.id)
        if row is None:
            return "the key was promised and is not there"
        if row.status == "active":
            if key.end_promised:
                return "its revocation was promised, and it is active"
            return self._unusable(key, row)
        if row.status in ENDED:
            return "" if key.end_asked or key.id in self._explained else f"{row.status}, and nobody asked"
        return "" if key.id in self._explained else f"still {row.status}"

    def _unusable(self, key: PromisedKey, row: KeyRow) -> str:
        site = self._site_of.get(row.plugin)
        if site is None:
            # Signed while the clock was ahead, it is refused until that time has come.
            accepted = key.secret is None or _is_from_the_future(key.text) or self._introspected(key.text)
            return "" if accepted else "its JWT is not accepted"
        credential = site.living.get(key.id, {}).get(row.external_id)
        if credential is None:
            return "active here, and the provider has no such credential"
        if not credential.get("usable", True):
            return "active here, and half made at the provider"
        if key.secret is not None and credential["digest"] != digest(key.text):
            return "the secret that was shown does not work"
        if key.shown_id not in (None, row.external_id):
            return f"shown as {key.shown_id}, and it is {row.external_id}"
        return ""

    def _strays(self, site: Site) -> Iterator[Finding]:
        for key, living in site.living.items():
            row = self._keys.get(key)
            for id in living:
                if row is None:
                    yield Finding("orphaned", id, f"no key {key}")
                elif row.status in ENDED:
                    yield Finding("zombie", key, f"{row.status} here, alive there as {id}")
                elif row.status != "active" and key not in self._explained:
                    yield Finding("orphaned", id, f"its key {key} is {row.status}")

    def _harmed(self) -> Iterator[Finding]:
        for site in self._sites:
            for kind, id, _ in self._providers.harmed(site.provider, site.truth):
                yield Finding("harmed", id, f"a stranger's, of {kind}, is gone or changed")

    def _introspected(self, secret: str) -> bool:
        headers = {
            "Authorization": f"Bearer {self._portal.token}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        content = urlencode({"token": secret}).encode()
        answer = request(f"{self._portal.url}/api/v1/introspect", "POST", content, headers)
        assert answer.status == 200, answer.body
        return bool(answer.json()["active"])


def _is_from_the_future(secret: str) -> bool:
    payload = secret.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return bool(claims["iat"] > time.time())
