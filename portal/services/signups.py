"""People who make an account themselves, and the company that they name afterwards."""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.errors import Conflict, NotAllowed
from portal.models import AuditEvent, Customer, Membership, Notice, User
from portal.services.actors import actor_of_user
from portal.services.audit import Action, record
from portal.services.customers import create_customer
from portal.services.telling import tell_user


def is_taken(email: str) -> bool:
    """Whether an account has this address. One that somebody only added to theirs doesn't count unproven."""
    email = User.objects.normalize_email(email)
    return (
        User.objects.filter(email=email).exists()
        or EmailAddress.objects.filter(email=email, verified=True).exists()
    )


def free_address(email: str) -> None:
    """Take the address from accounts that added it beside their own and never proved it.

    Else one could keep others out by adding their addresses.
    """
    EmailAddress.objects.filter(
        email=User.objects.normalize_email(email), verified=False, primary=False
    ).delete()


def note_sign_up(user: User) -> None:
    """Record a new account, in the transaction that makes it; greet whose address is proven already."""
    record(actor_of_user(user), Action.USER_CREATED, user.public_id, staff=False)
    if EmailAddress.objects.filter(user=user, verified=True).exists():
        tell_user(user, Notice.Kind.WELCOME)


def greet(user: User) -> None:
    """Welcome a person who has just proven their first address."""
    if EmailAddress.objects.filter(user=user, verified=True).count() == 1:
        tell_user(user, Notice.Kind.WELCOME)


def prove_mailbox(user: User) -> None:
    """Note that the person reads the mail of their address. Repeating is harmless.

    What was attached to the account before, by somebody who had not proven that, is detached.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        address, _created = EmailAddress.objects.get_or_create(user=user, email=user.email)
        if address.verified or not address.can_set_verified():
            return
        EmailAddress.objects.filter(user=user, primary=True).exclude(pk=address.pk).update(primary=False)
        address.verified = address.primary = True
        address.save(update_fields=["verified", "primary"])
        SocialAccount.objects.filter(user=user).delete()
        greet(user)


def account_to_connect(email: str) -> User | None:
    """The account of the person whom an identity provider vouches to have that address.

    An account that never proved it, and has no other, was made by somebody unknown: its password goes.
    """
    proven = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
    if proven is not None:
        owner: User = proven.user
        return owner
    user = User.objects.filter(email=email).exclude(emailaddress__verified=True).first()
    if user is not None and user.is_active and not user.is_staff:
        user.set_unusable_password()
        user.save(update_fields=["password"])
        prove_mailbox(user)
    return user


def check_may_found(user: User) -> None:
    """Raise ``NotAllowed`` or ``Conflict`` unless the person may set up a company now."""
    if settings.PORTAL_SIGNUP == "invite":
        raise NotAllowed(
            "signup_closed",
            _("Companies are set up by us here, so nothing was created. Ask a colleague to invite you."),
        )
    if user.is_staff:
        raise NotAllowed(
            "staff_account", _("Staff look after customers in the administration. Nothing was created.")
        )
    if not EmailAddress.objects.filter(user=user, verified=True).exists():
        raise NotAllowed("unproven_address", _("Confirm your e-mail address first. Nothing was created."))
    if Membership.objects.filter(user=user, customer__deleted_at=None).exists():
        raise Conflict("already_member", _("You belong to a company already. Nothing was created."))
    founded = AuditEvent.objects.filter(actor=user.identity, action=Action.CUSTOMER_CREATED)
    if founded.exists():
        raise Conflict(
            "founded_before",
            _("You have set up a company before, which everybody can do once. Nothing was created. Ask us."),
        )


def found_customer(user: User, *, name: str) -> Customer:
    """Make the person the owner of a new customer, once; with ``approval`` it waits for staff."""
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        check_may_found(user)
        actor = actor_of_user(user)
        waits = settings.PORTAL_SIGNUP == "approval"
        status = Customer.Status.PENDING if waits else Customer.Status.ACTIVE
        customer = create_customer(actor, name=name, email=user.email, status=status)
        Membership.objects.create(customer=customer, user=user, role=Membership.Role.OWNER)
        record(actor, Action.MEMBER_ADDED, user.public_id, customer=customer, role=Membership.Role.OWNER)
    return customer
