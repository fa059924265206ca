"""The end of an account, and what goes with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from portal.core.actor import Actor
from portal.core.errors import Conflict, NotAllowed
from portal.models import Customer, IssuedKey, Membership, User
from portal.services.audit import Action, record
from portal.services.customers import delete_customer, delete_person, lock_work
from portal.services.members import remove_member

Role = Membership.Role


@dataclass(frozen=True)
class Parting:
    """What becomes of one customer when one of its members deletes their account."""

    customer: Customer
    ends: bool
    """Nobody else belongs to it: it is deleted, too."""
    needs_owner: bool
    """Others belong to it and none of them is an owner: the account can't be deleted."""
    keys: int
    """So many keys are revoked."""


def partings_of(user: User) -> list[Parting]:
    """What deleting the person's account would do to each of their customers. Two queries."""
    theirs = Membership.objects.filter(user=user, customer__deleted_at=None)
    others = Count("customer__memberships", filter=~Q(customer__memberships__user=user), distinct=True)
    owners = Count(
        "customer__memberships",
        filter=Q(customer__memberships__role=Role.OWNER) & ~Q(customer__memberships__user=user),
        distinct=True,
    )
    memberships = list(
        theirs.select_related("customer").annotate(others=others, owners=owners).order_by("customer_id")
    )
    ending = [membership.customer_id for membership in memberships if not membership.others]
    keys = _keys_at(ending)
    return [
        Parting(
            customer=membership.customer,
            ends=not membership.others,
            needs_owner=bool(membership.others and membership.role == Role.OWNER and not membership.owners),
            keys=keys.get(membership.customer_id, 0),
        )
        for membership in memberships
    ]


def _keys_at(customers: Sequence[int]) -> dict[int, int]:
    if not customers:
        return {}
    alive = IssuedKey.objects.filter(customer__in=customers).alive().order_by()
    return dict(alive.values_list("customer_id").annotate(Count("pk")))


def delete_account(actor: Actor, user: User) -> None:
    """Erase a person for good, and the customers that nobody else belongs to. Repeating it changes nothing.

    Raises ``NotAllowed`` for other people's accounts, for staff and when the sign-in is too old, and
    ``Conflict`` while they are the last owner among others.
    """
    if actor.user_id != user.pk:
        raise NotAllowed("not_allowed", _("You can delete your own account only. Nothing was deleted."))
    if not actor.recent_sign_in:
        raise NotAllowed("recent_sign_in_required", _("Sign in again first. Nothing was deleted."))
    if user.is_staff:
        raise NotAllowed(
            "staff_account",
            _("Accounts of staff aren't deleted here: ask another superuser. Nothing was deleted."),
        )
    with transaction.atomic():
        customers = _customers_of(user)
        list(Customer.objects.select_for_update(no_key=True).filter(pk__in=customers).order_by("pk"))
        partings = partings_of(user)
        _check_owners(partings)
        lock_work([parting.customer for parting in partings if parting.ends], [user])
        # Nobody can become a member anywhere from here on: that would need the user's row.
        locked = User.objects.select_for_update().filter(pk=user.pk).first()
        if locked is None:
            return
        if _customers_of(user) != customers:
            raise Conflict(
                "memberships_changed",
                _("You joined or left a customer just now. Nothing was deleted: look at the page again."),
            )
        _leave(actor, locked, partings)


def _customers_of(user: User) -> list[int]:
    """The primary keys of those that are not deleted."""
    theirs = Membership.objects.filter(user=user, customer__deleted_at=None)
    return list(theirs.order_by("customer_id").values_list("customer_id", flat=True))


def _check_owners(partings: Sequence[Parting]) -> None:
    names = [str(parting.customer) for parting in partings if parting.needs_owner]
    if names:
        raise Conflict(
            "last_owner",
            _("You are the only owner of %(customers)s. Make somebody else owner there first. "
              "Nothing was deleted.") % {"customers": ", ".join(names)},
        )  # fmt: skip


def _leave(actor: Actor, user: User, partings: Sequence[Parting]) -> None:
    public_id = user.public_id
    for parting in partings:
        if parting.ends:
            delete_customer(actor, parting.customer.pk)
        else:
            remove_member(actor, parting.customer.pk, user.pk)
    left = User.objects.filter(pk=user.pk).first()  # the last customer that ends takes its people along
    if left is not None:
        delete_person(left)
    record(actor, Action.USER_DELETED, public_id, customers=len(partings))
