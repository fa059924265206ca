"""Users and their membership of customers; a customer that has an owner keeps one."""

from django.db import IntegrityError, transaction

from portal.core.actor import Actor
from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.models import Customer, Membership, User
from portal.services.audit import Action, record
from portal.services.customers import lock_customer
from portal.services.users import create_user

Role = Membership.Role


def add_member(
    actor: Actor, customer_id: int, *, email: str, name: str = "", role: str | None = None
) -> Membership:
    """Make the person with that e-mail a member, as owner when they are the first.

    A user that exists keeps their name. Raises ``Conflict`` for somebody who is a member.
    """
    email = User.objects.normalize_email(email)
    with transaction.atomic():
        customer = lock_customer(customer_id)
        user = User.objects.filter(email=email).first() or _new_user(actor, email, name)
        first = not Membership.objects.filter(customer=customer).exists()
        membership = Membership(
            customer=customer, user=user, role=role or (Role.OWNER if first else Role.DEVELOPER)
        )
        try:
            with transaction.atomic():
                membership.save(force_insert=True)
        except IntegrityError as exc:
            raise Conflict("already_member", "This person is a member already. Nothing was changed.") from exc
        record(actor, Action.MEMBER_ADDED, user.public_id, customer=customer, role=membership.role)
    return membership


def _new_user(actor: Actor, email: str, name: str) -> User:
    try:
        return create_user(actor, email=email, name=name)
    except Conflict:  # made by somebody else a moment ago
        return User.objects.get(email=email)


def update_member(
    actor: Actor, customer_id: int, user_id: int, *, name: str | None = None, role: str | None = None
) -> Membership:
    """Change a member's role, or their name when they belong to this customer alone."""
    with transaction.atomic():
        customer = lock_customer(customer_id)
        membership = _member(customer, user_id)
        changed = []
        if role is not None and role != membership.role:
            _keep_an_owner(customer, membership)
            membership.role = role
            membership.save(update_fields=["role"])
            changed.append("role")
        if name is not None and name != membership.user.name:
            shared = Membership.objects.filter(user_id=user_id).exclude(customer=customer).exists()
            if (shared or membership.user.is_staff) and "customers:write" not in actor.everywhere:
                raise NotAllowed("not_allowed", "This person's name is not this customer's to change.")
            membership.user.name = name
            membership.user.save(update_fields=["name"])
            changed.append("name")
        if changed:
            record(actor, Action.MEMBER_CHANGED, membership.user.public_id, customer=customer,
                   fields=changed, role=membership.role)  # fmt: skip
    return membership


def remove_member(actor: Actor, customer_id: int, user_id: int) -> None:
    """End a membership. The person's keys stay: they belong to the customer."""
    with transaction.atomic():
        customer = lock_customer(customer_id)
        membership = _member(customer, user_id)
        _keep_an_owner(customer, membership)
        membership.delete()
        record(actor, Action.MEMBER_REMOVED, membership.user.public_id, customer=customer)


def _member(customer: Customer, user_id: int) -> Membership:
    membership = Membership.objects.select_related("user").filter(customer=customer, user_id=user_id).first()
    if membership is None:
        raise NotFound("user")
    return membership


def _keep_an_owner(customer: Customer, leaving: Membership) -> None:
    if leaving.role != Role.OWNER:
        return
    if not Membership.objects.filter(customer=customer, role=Role.OWNER).exclude(pk=leaving.pk).exists():
        raise Conflict("last_owner", "A customer needs an owner: make somebody else one first.")
