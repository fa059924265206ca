"""Noting what people are to be told by mail, in the transaction of what happened: the worker sends it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from portal.models import Customer, Invitation, IssuedKey, Notice, User

Kind = Notice.Kind
FEW = 3
"""Up to so many keys that end at once are each told of; more are told of in one mail."""


def tell_of_key(key: IssuedKey, kind: Notice.Kind, **detail: Any) -> None:
    """Tell the key's user and the customer's owners, once a kind."""
    _store(Notice(kind=kind, key=key, customer=key.customer, detail=detail))


def tell_of_revoked(customer: Customer, keys: Sequence[IssuedKey]) -> None:
    """Tell of keys of one customer that were revoked together; nobody missed those that never worked."""
    lived = [key for key in keys if key.activated_at is not None]
    if len(lived) > FEW:
        tell_customer(customer, Kind.KEY_REVOKED, count=len(lived), reason=lived[0].revoke_reason)
        return
    _store(*(Notice(kind=Kind.KEY_REVOKED, key=key, customer=customer) for key in lived))


def tell_user(user: User, kind: Notice.Kind, **detail: Any) -> None:
    """Tell one person; a welcome once. Instants in ``detail`` are kept as ISO 8601."""
    told = {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in detail.items()
    }
    _store(Notice(kind=kind, user=user, detail=told))


def tell_customer(customer: Customer, kind: Notice.Kind, **detail: Any) -> None:
    """Tell the customer's owners and admins."""
    _store(Notice(kind=kind, customer=customer, detail=detail))


def tell_invited(invitation: Invitation) -> None:
    """Mail the invitation's present link; an older one that is still unsent is dropped."""
    _store(Notice(kind=Kind.INVITATION, invitation=invitation, detail={"version": invitation.version}))


def _store(*notices: Notice) -> None:
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
