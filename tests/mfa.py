"""An authenticator app that a test holds in its hand, and signing in with it."""

import time
from dataclasses import dataclass

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.test import Client

from portal.models import User
from tests.web.conftest import PASSWORD


@dataclass(frozen=True)
class App:
    secret: str

    def code(self, ahead: int = 0) -> str:
        """The present code, or one of the next; the portal takes one of the next 30 seconds too."""
        return format_hotp_value(hotp_value(self.secret, int(time.time()) // 30 + ahead))


def enrol(user: User) -> App:
    """Give the user an authenticator app and recovery codes."""
    app = App(generate_totp_secret())
    TOTP.activate(user, app.secret)
    RecoveryCodes.activate(user)
    return app


def begin_sign_in(user: User) -> Client:
    """A browser that gave the password and is asked for more."""
    client = Client()
    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/accounts/2fa/authenticate/"
    return client


def sign_in_with(user: User, code: str) -> Client:
    """A browser that signed in with password and code just now."""
    client = begin_sign_in(user)
    answer = client.post("/accounts/2fa/authenticate/", {"code": code})
    assert answer.status_code == 302, answer.content
    return client
