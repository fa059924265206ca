"""Joining a customer by the link of an invitation."""

from enum import Enum

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.core.clock import now
from portal.core.errors import Gone, NotAllowed, NotFound
from portal.models import Customer, Invitation, Membership, User
from portal.services.actors import actor_of_user
from portal.services.audit import Action, record
from portal.services.customers import lock_customer
from portal.services.invitations import link_parts
from portal.services.members import check_may_give


class Ended(Enum):
    """Why an invitation can't be accepted."""

    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    EXPIRED = "expired"
    CUSTOMER = "customer"
    INVITER = "inviter"


def opened_invitation(token: str) -> tuple[Invitation, Ended | None]:
    """The invitation that a link opens, and why it can't be accepted if it can't.

    Raises ``NotFound`` for a link that isn't ours, or whose invitation is forgotten.
    """
    public_id, version = link_parts(token) or ("", 0)
    found = Invitation.objects.select_related("customer", "invited_by").filter(public_id=public_id).first()
    if found is None:
        raise NotFound("invitation")
    return found, _why_ended(found, version)


def accept_invitation(user: User, invitation: Invitation) -> Membership:
    """Make the user a member, once, if the address that was invited is theirs; a member keeps their role.

    ``invitation`` is as its link opened it. Raises ``Gone`` when it ended meanwhile.
    """
    with transaction.atomic():
        customer = lock_customer(invitation.customer_id)
        present = Invitation.objects.select_related("invited_by").get(pk=invitation.pk)
        present.customer = customer
        if not is_addressed_to(present, user):
            raise NotAllowed(
                "invitation_for_another", _("This invitation is for another e-mail address than yours.")
            )
        membership = Membership.objects.filter(customer=customer, user=user).first()
        if present.accepted_at is not None and membership is not None:
            return membership
        if _why_ended(present, invitation.version) is not None:
            raise Gone(
                "invitation_gone", _("This invitation can't be accepted any more. Nothing was changed.")
            )
        if membership is None:
            membership = Membership.objects.create(customer=customer, user=user, role=present.role)
        present.accepted_at = now()
        present.save(update_fields=["accepted_at"])
        record(actor_of_user(user), Action.INVITATION_ACCEPTED, present.public_id, customer=customer,
               user=user.public_id, role=membership.role)  # fmt: skip
    return membership


def is_addressed_to(invitation: Invitation, user: User) -> bool:
    """Whether the user has proven that the mailbox is theirs."""
    return bool(EmailAddress.objects.filter(user=user, email=invitation.email, verified=True).exists())


def has_account(invitation: Invitation) -> bool:
    """Whether the person invited can sign in already; only who holds the link may be told."""
    proven = Q(emailaddress__email=invitation.email, emailaddress__verified=True)
    return User.objects.filter(proven | Q(email=invitation.email)).exists()


def _why_ended(invitation: Invitation, version: int) -> Ended | None:
    if invitation.accepted_at is not None:
        return Ended.ACCEPTED
    if invitation.withdrawn_at is not None:
        return Ended.WITHDRAWN
    if invitation.customer.status != Customer.Status.ACTIVE:
        return Ended.CUSTOMER
    if invitation.version != version:
        return Ended.REPLACED
    if invitation.expires_at <= now():
        return Ended.EXPIRED
    return None if _is_vouched_for(invitation) else Ended.INVITER


def _is_vouched_for(invitation: Invitation) -> bool:
    """Whether the inviter could still invite: what somebody sent who was let go must open nothing."""
    inviter = invitation.invited_by
    if inviter is None or not inviter.is_active:
        return False
    actor = actor_of_user(inviter)
    try:
        actor.require("customers:write", invitation.customer_id)
        check_may_give(actor, invitation.customer, invitation.role)
    except NotAllowed:
        return False
    return True
