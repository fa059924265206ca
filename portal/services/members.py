"""Users and their membership of customers; a customer that has an owner keeps one."""

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from portal.core.actor import Actor
from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.core.scopes import ROLE_SCOPES
from portal.models import Customer, ManagementToken, Membership, User
from portal.services.access_tokens import revoke_tokens
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
        user = _known_user(email) or _new_user(actor, email, name)
        first = not Membership.objects.filter(customer=customer).exists()
        role = role or (Role.OWNER if first else Role.DEVELOPER)
        if not first:  # whoever may write to a customer without anybody may give it its first owner
            _check_may_give(actor, customer, role)
        membership = Membership(customer=customer, user=user, role=role)
        try:
            with transaction.atomic():
                membership.save(force_insert=True)
        except IntegrityError as exc:
            raise Conflict("already_member", "This person is a member already. Nothing was changed.") from exc
        record(actor, Action.MEMBER_ADDED, user.public_id, customer=customer, role=membership.role)
    return membership


def _known_user(email: str) -> User | None:
    """The person with that address. One who never proved it loses the password they chose.

    Else somebody could sign up with another's address and wait for the membership.
    """
    user = User.objects.filter(email=email).first()
    if user is None:
        proven = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
        return proven.user if proven is not None else None
    if not EmailAddress.objects.filter(user=user, email=email, verified=True).exists():
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def _check_may_give(actor: Actor, customer: Customer, role: str) -> None:
    """Only who holds all that an owner or admin may do, there or everywhere, makes or unmakes one."""
    if role not in (Role.OWNER, Role.ADMIN) or "customers:write" in actor.everywhere:
        return
    if not ROLE_SCOPES[role] <= actor.by_customer.get(customer.pk, frozenset()):
        raise NotAllowed("role_not_held", f"You hold less than the role {role}. Nothing was changed.")


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
            _check_may_give(actor, customer, membership.role)
            _check_may_give(actor, customer, role)
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
    """End a membership and the access tokens it gave. Keys stay: they belong to the customer."""
    with transaction.atomic():
        customer = lock_customer(customer_id)
        membership = _member(customer, user_id)
        _keep_an_owner(customer, membership)
        _check_may_give(actor, customer, membership.role)
        membership.delete()
        theirs = ManagementToken.objects.filter(customer=customer, owner_id=user_id, revoked_at=None)
        revoke_tokens(actor, theirs, customer)
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
