"""What staff do to keys: rotate and revoke."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.html import format_html

from portal.admin.actions import ActionForm, ConfirmedAction
from portal.admin.fields import DurationText
from portal.admin.show import link
from portal.core.actor import Actor
from portal.jobs.run import run_inline
from portal.models import IssuedKey
from portal.services.keys.revoke import revoke_key
from portal.services.keys.rotate import rotate_key


class RotateForm(ActionForm):
    overlap = DurationText(
        zero=True,
        initial="24h",
        help_text="So long the old key still works: 24h, 7d, or 0 to end it at once.",
    )


class RevokeForm(ActionForm):
    reason = forms.CharField(
        required=False, max_length=200, help_text="Kept with the key; its owner sees it."
    )


def _rotate(actor: Actor, key: IssuedKey, values: dict[str, Any]) -> Any:
    operation = rotate_key(actor, key.pk, overlap=values["overlap"])
    run_inline(operation)
    new = operation.key
    assert new is not None
    return format_html(
        "{} is rotated: {} takes over; its user reveals it at /keys/{}", key.public_id, link(new), new
    )


def _revoke(actor: Actor, key: IssuedKey, values: dict[str, Any]) -> None:
    revoke_key(actor, key.pk, reason=values["reason"])


def _about_rotating(keys: Sequence[IssuedKey]) -> list[str]:
    return [
        "Each key gets a successor with the same name, user, scopes and lifetime.",
        "The old key works until the overlap ends, or longer should its successor fail.",
        "Users reveal the new secrets themselves. Tell them: their programs need the new ones.",
    ]


def _about_revoking(keys: Sequence[IssuedKey]) -> list[str]:
    usable = sum(key.is_usable for key in keys)
    return [
        f"{usable} of {len(keys)} can be used now. Revoking is for good.",
        "A gateway that asks the portal refuses at once; one that verifies by itself, when the key expires.",
        "A key that has ended already stays as it is.",
    ]


ACTIONS = (
    ConfirmedAction(
        "rotate", "Rotate", "rotate", "rotated", _rotate, _about_rotating, form=RotateForm,
        offered=lambda key: key.is_usable,
    ),
    ConfirmedAction(
        "revoke", "Revoke", "revoke", "revoked", _revoke, _about_revoking, form=RevokeForm, destructive=True,
        offered=lambda key: key.status in IssuedKey.REVOCABLE,
    ),
)  # fmt: skip
