"""The portal's own random keys, kept sealed in the database."""

import secrets
from typing import Literal

from portal.core.sealing import seal, unseal
from portal.models import DataKey
from provisioning.secret import Secret

Name = Literal["audit", "status-index"]

_known: dict[str, tuple[str, bytes]] = {}


def data_key(name: Name) -> bytes:
    """32 random bytes under that name, made at first use. Opening them is remembered."""
    sealed = DataKey.objects.filter(name=name).values_list("sealed_key", flat=True).first()
    if sealed is None:
        DataKey.objects.bulk_create(
            [DataKey(name=name, sealed_key=seal(Secret(secrets.token_hex(32))))], ignore_conflicts=True
        )
        sealed = DataKey.objects.values_list("sealed_key", flat=True).get(name=name)
    if _known.get(name, ("",))[0] != sealed:
        _known[name] = (sealed, bytes.fromhex(unseal(sealed).reveal()))
    return _known[name][1]
