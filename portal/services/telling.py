"""Noting what people are to be told by mail, in the transaction of what happened: the worker sends it."""

from typing import Any

from portal.models import Customer, Invitation, IssuedKey, Notice, User

Kind = Notice.Kind


def tell_of_key(key: IssuedKey, kind: Notice.Kind, **detail: Any) -> None:
    """Tell the key's user and the customer's owners, once a kind."""
    _store(Notice(kind=kind, key=key, customer=key.customer, detail=detail))


def tell_user(user: User, kind: Notice.Kind, **detail: Any) -> None:
    """Tell one person; a welcome once."""
    _store(Notice(kind=kind, user=user, detail=detail))


def tell_customer(customer: Customer, kind: Notice.Kind, **detail: Any) -> None:
    """Tell the customer's owners and admins."""
    _store(Notice(kind=kind, customer=customer, detail=detail))


def tell_invited(invitation: Invitation) -> None:
    """Mail the invitation's present link; an older one that is still unsent is dropped."""
    _store(Notice(kind=Kind.INVITATION, invitation=invitation, detail={"version": invitation.version}))


def _store(notice: Notice) -> None:
    Notice.objects.bulk_create([notice], ignore_conflicts=True)
