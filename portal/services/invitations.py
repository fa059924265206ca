"""Invitations: a customer's people ask somebody to join by e-mail.

The link in the mail is signed and not stored. It is worth as much as the mailbox that it was sent to.
"""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.core.actor import Actor
from portal.core.clock import now
from portal.core.errors import Conflict, Invalid, LimitReached, NotFound
from portal.models import Customer, Invitation, Membership, User
from portal.services.audit import Action, record
from portal.services.customers import lock_customer
from portal.services.members import check_may_give
from portal.services.telling import tell_invited

LIFETIME = timedelta(days=7)
RESENT_AFTER = timedelta(minutes=1)
MOST_OPEN = 50
_signer = Signer(sep=".", salt="portal.invitation")


def invite(actor: Actor, customer_id: int, *, email: str, role: str) -> Invitation:
    """Ask the person with that e-mail to join, and note the mail.

    Raises ``Conflict`` for members, for people invited already and for a customer that isn't active:
    a name that nobody approved is mailed to nobody.
    """
    email = _address(email)
    if role not in Membership.Role.values:
        raise Invalid.field("role", _("choose one of the roles"))
    with transaction.atomic():
        customer = _inviting_customer(customer_id)
        check_may_give(actor, customer, role)
        _check_not_member(customer, email)
        before = Invitation.objects.filter(customer=customer, email=email).unanswered().first()
        if before is not None:
            if before.expires_at > now():
                raise Conflict(
                    "already_invited",
                    _("This person is invited already. Send the invitation again if the mail got lost."),
                )
            _end(actor, customer, before)
        _check_room(customer)
        invitation = Invitation.objects.create(
            customer=customer,
            email=email,
            role=role,
            invited_by_id=actor.user_id,
            expires_at=now() + LIFETIME,
        )
        tell_invited(invitation)
        record(actor, Action.INVITATION_CREATED, invitation.public_id, customer=customer, role=role)
    return invitation


def resend_invitation(actor: Actor, customer_id: int, public_id: str) -> Invitation:
    """Mail a new link, which lasts as long as the first did; older ones end.

    Whoever sends it again is its inviter from now on. Once a minute, so that nobody's mailbox is flooded.
    """
    with transaction.atomic():
        customer = _inviting_customer(customer_id)
        invitation = _unaccepted(customer, public_id)
        if invitation.withdrawn_at is not None:
            raise _answered()
        check_may_give(actor, customer, invitation.role)
        if invitation.expires_at - LIFETIME + RESENT_AFTER > now():
            raise LimitReached(
                "invitation_just_sent",
                _("It was mailed less than a minute ago. Wait a moment; nothing was sent again."),
            )
        _check_not_member(customer, invitation.email)
        if invitation.expires_at <= now():
            _check_room(customer)
        invitation.version += 1
        invitation.expires_at = now() + LIFETIME
        invitation.invited_by_id = actor.user_id
        invitation.save(update_fields=["version", "expires_at", "invited_by"])
        tell_invited(invitation)
        record(actor, Action.INVITATION_RESENT, invitation.public_id, customer=customer)
    return invitation


def withdraw_invitation(actor: Actor, customer_id: int, public_id: str) -> Invitation:
    """End an invitation; one that is withdrawn stays so. Raises ``Conflict`` once it was accepted."""
    with transaction.atomic():
        customer = lock_customer(customer_id)
        invitation = _unaccepted(customer, public_id)
        if invitation.withdrawn_at is None:
            _end(actor, customer, invitation)
    return invitation


def invitation_link(invitation: Invitation) -> str:
    """The address to mail: it opens the invitation until it ends or is sent again."""
    token = _signer.sign(f"{invitation.public_id}.{invitation.version}")
    return f"{settings.PORTAL_BASE_URL}/invitations/{token}"


def link_parts(token: str) -> tuple[str, int] | None:
    """The public id and version that a link was made for; None when it was not made here."""
    try:
        public_id, _dot, version = _signer.unsign(token).rpartition(".")
    except BadSignature:
        return None
    return public_id, int(version)


def _inviting_customer(customer_id: int) -> Customer:
    customer = lock_customer(customer_id)
    if customer.status != Customer.Status.ACTIVE:
        raise Conflict(
            "customer_not_active", _("Only an active customer can invite people. Nothing was sent.")
        )
    return customer


def _unaccepted(customer: Customer, public_id: str) -> Invitation:
    invitation = Invitation.objects.filter(customer=customer, public_id=public_id).first()
    if invitation is None:
        raise NotFound("invitation")
    if invitation.accepted_at is not None:
        raise _answered()
    return invitation


def _end(actor: Actor, customer: Customer, invitation: Invitation) -> None:
    invitation.withdrawn_at = now()
    invitation.save(update_fields=["withdrawn_at"])
    record(actor, Action.INVITATION_WITHDRAWN, invitation.public_id, customer=customer)


def _address(email: str) -> str:
    email = User.objects.normalize_email(email)
    try:
        validate_email(email)
    except ValidationError as exc:
        raise Invalid.field("email", _("is no e-mail address")) from exc
    if len(email) > 254:
        raise Invalid.field("email", _("is too long"))
    return email


def _check_not_member(customer: Customer, email: str) -> None:
    proven = Q(user__emailaddress__email=email, user__emailaddress__verified=True)
    if Membership.objects.filter(Q(user__email=email) | proven, customer=customer).exists():
        raise Conflict("already_member", _("This person is a member already. Nothing was sent."))


def _check_room(customer: Customer) -> None:
    if Invitation.objects.filter(customer=customer).open().count() >= MOST_OPEN:
        raise LimitReached(
            "invitation_limit",
            _("%(limit)d invitations wait for an answer. Withdraw some first; nothing was sent.")
            % {"limit": MOST_OPEN},
        )


def _answered() -> Conflict:
    return Conflict(
        "invitation_ended", _("This invitation was accepted or withdrawn already. Nothing was changed.")
    )
