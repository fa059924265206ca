"""Noting what people are to be told by mail, in the transaction of what happened: the worker sends it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from portal.models import Customer, Invitation, IssuedKey, Membership, Notice, User

Kind = Notice.Kind
FEW = 3
"""Up to so many keys that end at once are each told of; more are told of in one mail."""


def tell_of_key(key: IssuedKey, kind: Notice.Kind, **detail: Any) -> None:
    """Tell the key's user and the customer's owners, once a kind."""
    _store(Notice(kind=kind, key=key, customer=key.customer, detail=detail))


def tell_of_revoked(customer: Customer, keys: Sequence[IssuedKey]) -> None:
    """Tell of keys of one customer that were revoked together; nobody missed those that never worked.

    Of many the owners and admins are told in one mail, and other people in one about their own.
    """
    lived = [key for key in keys if key.activated_at is not None]
    if len(lived) <= FEW:
        _store(*(Notice(kind=Kind.KEY_REVOKED, key=key, customer=customer) for key in lived))
        return
    reason = lived[0].revoke_reason
    tell_customer(customer, Kind.KEY_REVOKED, count=len(lived), reason=reason)
    numbers = Counter(key.user_id for key in lived)
    told_of_all = Q(role__in=(Membership.Role.OWNER, Membership.Role.ADMIN))
    others = Membership.objects.filter(~told_of_all, customer=customer).values_list("user_id", flat=True)
    _store(
        *(
            Notice(
                kind=Kind.KEY_REVOKED, customer=customer, user_id=user,
                detail={"count": numbers[user], "reason": reason},
            )
            for user in others if numbers[user]
        )
    )  # fmt: skip


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
