"""Whether a browser session's sign-in is recent enough for secrets."""

import time

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest


def has_recent_sign_in(request: HttpRequest, user: AbstractBaseUser) -> bool:
    """Whether the user's last sign-in or re-authentication in this session is recent enough."""
    records = get_authentication_records(request, user)
    last = max((record.get("at", 0) for record in records), default=0)
    return bool(time.time() - last < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)
