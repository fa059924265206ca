"""What a browser session's sign-in was worth: how recent it is, and whether it took two factors."""

import time
from ipaddress import ip_address
from urllib.parse import urlsplit

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest


def has_recent_sign_in(request: HttpRequest, user: AbstractBaseUser) -> bool:
    """Whether the user's last sign-in or re-authentication in this session is recent enough."""
    records = get_authentication_records(request, user)
    last = max((record.get("at", 0) for record in records), default=0)
    return bool(time.time() - last < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def used_second_factor(request: HttpRequest, user: AbstractBaseUser) -> bool:
    """Whether a code or a passkey was shown in this session: when signing in, confirming or enrolling."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, user))


def relying_party() -> str:
    """The name that passkeys are bound to: the public origin's, never that of a request."""
    return urlsplit(settings.PORTAL_BASE_URL).hostname or ""


def passkeys_work() -> bool:
    """Not under an IP address: browsers bind passkeys to domain names only (WebAuthn section 5.1.2)."""
    try:
        ip_address(relying_party())
    except ValueError:
        return True
    return False
