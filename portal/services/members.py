"""Users and their membership of customers; a customer that has an owner keeps one."""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.core.scopes import ROLE_SCOPES
from portal.models import Customer, Invitation, ManagementToken, Membership, User
from portal.services.access_tokens import revoke_tokens
from portal.services.actors import actor_of_user
from portal.services.audit import Action, Entry, record, record_all
from portal.services.customers import lock_customer
from portal.services.users import create_user

Role = Membership.Role
_LESSER = frozenset({Role.DEVELOPER, Role.VIEWER})


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
            check_may_give(actor, customer, role)
        membership = Membership(customer=customer, user=user, role=role)
        try:
            with transaction.atomic():
                membership.save(force_insert=True)
        except IntegrityError as exc:
            raise Conflict(
                "already_member", _("This person is a member already. Nothing was changed.")
            ) from exc
        record(actor, Action.MEMBER_ADDED, user.public_id, customer=customer, role=membership.role)
    return membership


def _known_user(email: str) -> User | None:
    """The person with that address. One who never proved it loses the ways in that they chose.

    Else somebody could sign up with another's address and wait for the membership.
    """
    user = User.objects.filter(email=email).first()
    if user is None:
        proven = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
        return proven.user if proven is not None else None
    if not EmailAddress.objects.filter(user=user, email=email, verified=True).exists():
        user.set_unusable_password()
        user.save(update_fields=["password"])
        SocialAccount.objects.filter(user=user).delete()
    return user


def roles_to_give(actor: Actor, customer: Customer) -> frozenset[str]:
    """The roles that the actor makes and unmakes there, beyond holding ``customers:write``.

    Admins do as much as owners, but only owners make owners: else each admin could take the customer
    over. Read from the memberships as they are now; a token reaches as far as the person it belongs to.
    """
    if "customers:write" in actor.everywhere:
        return frozenset(Role.values)
    if not ROLE_SCOPES[Role.ADMIN] <= actor.by_customer.get(customer.pk, frozenset()):
        return _LESSER
    theirs = Q(management_tokens__public_id=actor.public_id) if actor.kind == "token" else Q(pk=actor.user_id)
    person = User.objects.filter(theirs).first()
    if person is not None and "customers:write" in actor_of_user(person).everywhere:
        return frozenset(Role.values)
    held = Membership.objects.filter(customer=customer, user=person).values_list("role", flat=True).first()
    if held == Role.OWNER:
        return frozenset(Role.values)
    return _LESSER | {Role.ADMIN} if held == Role.ADMIN else _LESSER


def check_may_give(actor: Actor, customer: Customer, role: str) -> None:
    """Raise ``NotAllowed`` unless the actor makes and unmakes members of that role."""
    given = roles_to_give(actor, customer) if role not in _LESSER else _LESSER
    if role in given:
        return
    if role == Role.OWNER and Role.ADMIN in given:
        raise NotAllowed("owner_required", _("Only an owner makes or unmakes owners. Nothing was changed."))
    raise NotAllowed(
        "role_not_held", _("You hold less than the role %(role)s. Nothing was changed.") % {"role": role}
    )


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
        changed: list[str] = []
        entries: list[Entry] = []
        if role is not None and role != membership.role:
            check_may_give(actor, customer, membership.role)
            check_may_give(actor, customer, role)
            _keep_an_owner(customer, membership)
            entries += _give_role(membership, role)
            changed.append("role")
        if name is not None and name != membership.user.name:
            shared = Membership.objects.filter(user_id=user_id).exclude(customer=customer).exists()
            if (shared or membership.user.is_staff) and "customers:write" not in actor.everywhere:
                raise NotAllowed("not_allowed", _("This person's name is not this customer's to change."))
            membership.user.name = name
            membership.user.save(update_fields=["name"])
            changed.append("name")
        if changed:
            detail = {"fields": changed, "role": membership.role}
            entries.append(Entry(Action.MEMBER_CHANGED, membership.user.public_id, detail))
        record_all(actor, entries, customer=customer)
    return membership


def remove_member(actor: Actor, customer_id: int, user_id: int) -> None:
    """End a membership and the access tokens and invitations it gave. Keys stay: they are the customer's."""
    with transaction.atomic():
        customer = lock_customer(customer_id)
        membership = _member(customer, user_id)
        check_may_give(actor, customer, membership.role)
        _keep_an_owner(customer, membership)
        membership.delete()
        entries = _withdraw(Invitation.objects.filter(customer=customer, invited_by_id=user_id))
        theirs = ManagementToken.objects.filter(customer=customer, owner_id=user_id, revoked_at=None)
        revoke_tokens(actor, theirs, customer)
        entries.append(Entry(Action.MEMBER_REMOVED, membership.user.public_id))
        record_all(actor, entries, customer=customer)


def transfer_ownership(actor: Actor, customer_id: int, user_id: int) -> Membership:
    """Make a member the owner and the owner who asks an admin; returns the new owner's membership.

    Other owners stay. Raises ``NotAllowed`` for who is no owner there, or signed in too long ago.
    """
    assert actor.user_id is not None, "a person hands over, no token"
    with transaction.atomic():
        customer = lock_customer(customer_id)
        former = Membership.objects.filter(
            customer=customer, user_id=actor.user_id, role=Role.OWNER, user__is_active=True
        ).first()
        if former is None:
            raise NotAllowed(
                "owner_required", _("Only an owner can hand a customer over. Nothing was changed.")
            )
        if not actor.recent_sign_in:
            raise NotAllowed("recent_sign_in_required", _("Sign in again to hand a customer over."))
        heir = _member(customer, user_id)
        if heir.pk == former.pk:
            raise Conflict("already_owner", _("You are the owner already. Nothing was changed."))
        if not heir.user.is_active:
            raise Conflict("user_inactive", _("This person can't sign in at present. Nothing was changed."))
        entries = [*_give_role(heir, Role.OWNER), *_give_role(former, Role.ADMIN)]
        detail = {"former": actor.public_id}
        entries.append(Entry(Action.OWNERSHIP_TRANSFERRED, heir.user.public_id, detail))
        record_all(actor, entries, customer=customer)
    return heir


def _give_role(membership: Membership, role: str) -> list[Entry]:
    """Store the role, and withdraw what the person invited others to and may not any more."""
    membership.role = role
    membership.save(update_fields=["role"])
    invited = Invitation.objects.filter(customer=membership.customer, invited_by_id=membership.user_id)
    if role == Role.OWNER:
        return []
    return _withdraw(invited.filter(role=Role.OWNER) if role == Role.ADMIN else invited)


def _withdraw(invitations: "QuerySet[Invitation]") -> list[Entry]:
    ended = list(invitations.filter(accepted_at=None, withdrawn_at=None))
    invitations.filter(pk__in=[invitation.pk for invitation in ended]).update(withdrawn_at=now())
    return [Entry(Action.INVITATION_WITHDRAWN, invitation.public_id) for invitation in ended]


def _member(customer: Customer, user_id: int) -> Membership:
    membership = Membership.objects.select_related("user").filter(customer=customer, user_id=user_id).first()
    if membership is None:
        raise NotFound("user")
    return membership


def _keep_an_owner(customer: Customer, leaving: Membership) -> None:
    if leaving.role != Role.OWNER:
        return
    others = Membership.objects.filter(customer=customer, role=Role.OWNER, user__is_active=True)
    if not others.exclude(pk=leaving.pk).exists():
        raise Conflict("last_owner", _("A customer needs an owner: make somebody else one first."))
