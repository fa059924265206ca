"""Comparing what a provider has with what the portal knows, and repairing what differs.

The provider is asked with no transaction open, so both sides move meanwhile: a key is only
counted when no operation is at work on it, and looked at once more before it is repaired.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

import structlog
from django.db.models import Q

from portal.core.batches import batched
from portal.core.clock import now
from portal.core.failpoints import failpoint
from portal.core.stopping import Stopping, stopping
from portal.jobs.ledger import settle_of
from portal.models import IssuedKey, Operation, PluginState
from portal.services.keys.revoke import mark_gone
from provisioning.contract import Finds, KeyRef, Lists, Plugin, Revokes
from provisioning.errors import Misconfigured

log = structlog.get_logger("portal.reconcile")
Status = IssuedKey.Status
FEW = 10
"""From so many keys on, a provider that lacks most of them is taken for the wrong one."""
MOST_STORED = 1000


class Kind(StrEnum):
    MISSING = "missing"
    """Active here, gone at the provider."""
    ORPHANED = "orphaned"
    """Alive at the provider, and no living key here."""
    DRIFTED = "drifted"
    """A second credential beside the one that belongs to a key."""


@dataclass(frozen=True)
class Drift:
    """One difference. ``key`` is our id, empty where no row is known."""

    kind: Kind
    key: str
    external_id: str
    detail: str


def reconcile_plugin(plugin: Plugin, *, repair: bool) -> list[Drift]:
    """Return what differs at that plugin, with ``repair`` what still does after it was mended.

    Repairing deletes orphaned and second credentials at the provider and ends keys whose
    credential is gone. May be repeated. A plugin that can't list has nothing to compare.
    Raises ``ProvisioningError`` when the provider can't be asked.
    """
    if not isinstance(plugin, Lists):
        return []
    look = _Look(plugin)
    if repair:
        look.check_plausible()
        for drift, ref in look.found:
            _repair(plugin, drift, ref)
        look = _Look(plugin)
    remaining = [drift for drift, _ in look.found]
    PluginState.objects.update_or_create(
        plugin=plugin.slug,
        defaults={"reconciled_at": now(), "drift": [asdict(drift) for drift in remaining[:MOST_STORED]]},
    )
    log.info("reconcile.finished", plugin=plugin.slug, drift=len(remaining), repair=repair)
    return remaining


class _Look:
    """One comparison. ``found`` holds each difference and what the provider calls it."""

    def __init__(self, plugin: Lists) -> None:
        self._slug: str = plugin.slug  # type: ignore[attr-defined]  # every plugin has one
        self._began = now()
        there = list(plugin.list())
        self._known = {ref.external_id for ref in there}
        self._active = 0
        self.found = [*self._strays(there), *self._missing()]

    def check_plausible(self) -> None:
        """Refuse to end most keys because the plugin looks at another account, or a list was cut off."""
        missing = sum(drift.kind == Kind.MISSING for drift, _ in self.found)
        if missing >= FEW and missing * 2 > self._active:
            raise Misconfigured(
                "provider_has_none",
                f"{self._slug} lacks {missing} of {self._active} active keys: is it another account? "
                "Nothing was changed.",
            )

    def _strays(self, there: list[KeyRef]) -> Iterator[tuple[Drift, KeyRef]]:
        for batch in batched(there):
            keys = _keys_of(self._slug, batch)
            for ref in batch:
                drift = _of_credential(keys.get(_marker(ref)), ref, self._began)
                if drift is not None:
                    yield drift, ref

    def _missing(self) -> Iterator[tuple[Drift, KeyRef]]:
        keys = IssuedKey.objects.filter(plugin=self._slug, activated_at__lt=self._began)
        for key in keys.in_status("active").select_related("customer").iterator():
            self._active += 1
            if key.external_id in self._known:
                continue
            if IssuedKey.objects.filter(pk=key.pk, status="active").exists():
                told = "It is gone at the provider."
                ref = KeyRef(key.marker, key.public_id, key.external_id, key.customer.external_id)
                yield Drift(Kind.MISSING, key.public_id, key.external_id, told), ref


def _marker(ref: KeyRef) -> str:
    """What names the key: its id where the provider's tags tell it, else the marker itself."""
    return ref.key_id.replace("_", "-").lower() or ref.marker


def _keys_of(slug: str, refs: Iterable[KeyRef]) -> dict[str, IssuedKey]:
    """The keys that belong to credentials, by marker."""
    keys = IssuedKey.objects.filter(plugin=slug).marked(*map(_marker, refs))
    return {key.marker: key for key in keys}


def _of_credential(key: IssuedKey | None, ref: KeyRef, began: datetime) -> Drift | None:
    """What is wrong with a credential that the provider had when the look began, or None."""
    if key is None:
        return Drift(Kind.ORPHANED, "", ref.external_id, "No key of this portal belongs to it.")
    its_own = key.status == Status.ACTIVE and key.external_id == ref.external_id
    if its_own or (key.status != Status.ACTIVE and _is_seen_to(key, began)):
        return None
    if key.status != Status.ACTIVE:
        told = f"Its key is {key.status} here."
        return Drift(Kind.ORPHANED, key.public_id, ref.external_id, told)
    told = f"Its key has another credential: {key.external_id}."
    return Drift(Kind.DRIFTED, key.public_id, ref.external_id, told)


def _is_seen_to(key: IssuedKey, began: datetime) -> bool:
    """Whether an operation is at work on the key, was since then, or has called for a person."""
    return Operation.objects.filter(Q(finished_at=None) | Q(finished_at__gte=began), key=key).exists()


def _repair(plugin: Plugin, drift: Drift, ref: KeyRef) -> None:
    customer = ref.customer_id or _customer_of(drift)
    if drift.kind == Kind.MISSING:
        _let_it_show(plugin, drift)
        if not isinstance(plugin, Finds) or plugin.find(customer, ref.marker) is None:
            mark_gone(drift.key, drift.external_id)
    elif isinstance(plugin, Revokes) and _still(plugin, drift, ref):
        plugin.revoke(customer, ref)
    failpoint("drift.repaired")


def _let_it_show(plugin: Plugin, drift: Drift) -> None:
    """Wait while a key is so young that its provider may not list it yet."""
    keys = IssuedKey.objects.filter(public_id=drift.key, activated_at__gt=now() - settle_of(plugin))
    youngest = keys.values_list("activated_at", flat=True).first()
    if youngest and stopping.wait((youngest + settle_of(plugin) - now()).total_seconds()):
        raise Stopping


def _still(plugin: Plugin, drift: Drift, ref: KeyRef) -> bool:
    """Whether that is wrong with it now as well."""
    return _of_credential(_keys_of(plugin.slug, [ref]).get(_marker(ref)), ref, now()) == drift


def _customer_of(drift: Drift) -> str:
    key = IssuedKey.objects.select_related("customer").filter(public_id=drift.key).first()
    return key.customer.external_id if key else ""
