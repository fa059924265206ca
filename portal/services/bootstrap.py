"""What a fresh database needs before anybody uses it. May be repeated."""

import secrets

from allauth.account.models import EmailAddress
from django.db import transaction

from portal.core.actor import SYSTEM
from portal.core.errors import Conflict
from portal.models import User
from portal.services.audit import Action, record
from provisioning.secret import Secret


def create_staff(email: str, password: Secret | None) -> Secret:
    """Store a staff account with all permissions and return its password, made here when None."""
    chosen = password or Secret(secrets.token_urlsafe(15))
    with transaction.atomic():
        if User.objects.filter(email=User.objects.normalize_email(email)).exists():
            raise Conflict("user_exists", "Somebody has this e-mail already. Nothing was created.")
        user = User.objects.create_superuser(email, chosen.reveal())
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        record(SYSTEM, Action.USER_CREATED, user.public_id, staff=True)
    return chosen
