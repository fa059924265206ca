"""How allauth's second factors behave here: sealed, named after the portal, each code good once."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import signals
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal import auth as totp
from django import forms
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.errors import Unavailable
from portal.core.sealing import seal, unseal
from portal.core.sign_in import relying_party
from portal.models import User
from portal.services.audit import Action
from portal.services.second_factor import note_change, spend_code
from portal.web.browsers import browser_words
from provisioning.secret import Secret


class MFAAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy(
            "This code isn't right or was used already. Wait for the next one and try it."
        ),
    }

    def encrypt(self, text: str) -> str:
        return seal(Secret(text))

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text).reveal()

    def get_totp_issuer(self) -> str:
        return str(settings.PORTAL_NAME)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The same for every request, whatever Host it names: else a passkey would be another site's."""
        return {"id": relying_party(), "name": settings.PORTAL_NAME}

    def generate_authenticator_name(self, user: User, type: str) -> str:
        return browser_words(context.request.headers.get("User-Agent", ""))


class _CodeOnce(forms.Form):
    """A code of the app or a recovery code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attributes = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        self.fields["code"] = forms.CharField(
            label=_("Code"), max_length=32, widget=forms.TextInput(attributes)
        )

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]  # of the class beside this one
        used: Authenticator = self.authenticator  # type: ignore[attr-defined]
        if used.type == Authenticator.Type.TOTP and not spend_code(used.pk, _counter_of(used, code)):
            raise MFAAdapter().validation_error("incorrect_code")
        return code


def _counter_of(app: Authenticator, code: str) -> int:
    """The time step whose code this is; -1 when it stopped being valid this very moment."""
    secret = unseal(app.data["secret"]).reveal()
    for counter in totp.yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, counter))):
            return int(counter)
    return -1


class SignInCodeForm(_CodeOnce, AuthenticateForm):
    """The second step of signing in."""


class ConfirmCodeForm(_CodeOnce, ReauthenticateForm):
    """Confirming that it is still the same person."""


class EnrolAppForm(ActivateTOTPForm):
    """The first code of a new app. Until then its secret waits in the session, sealed."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        forms.Form.__init__(self, *args, **kwargs)  # allauth's own would put the secret there readable
        self.user = user
        self.secret = _pending_secret(context.request)
        attributes = {"autocomplete": "one-time-code", "inputmode": "numeric"}
        self.fields["code"] = forms.CharField(
            label=_("Code from the app"), max_length=32, widget=forms.TextInput(attributes)
        )

    @property
    def typed_secret(self) -> str:
        """In groups of four, as one types it."""
        return " ".join(self.secret[at : at + 4] for at in range(0, len(self.secret), 4))


def _pending_secret(request: HttpRequest) -> str:
    """The same until it is used or the session ends, so that reloading doesn't spoil a scanned code."""
    try:
        return unseal(request.session[totp.SECRET_SESSION_KEY]).reveal()
    except (KeyError, Unavailable):
        secret: str = totp.generate_totp_secret()
        request.session[totp.SECRET_SESSION_KEY] = seal(Secret(secret))
        return secret


@receiver(signals.authenticator_added)
def was_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Whoever enrols a factor has just shown it: this session counts as signed in with it."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return
    record_authentication(
        request, user, "mfa", id=authenticator.pk, type=authenticator.type, reauthenticated=True
    )
    if authenticator.type == Authenticator.Type.TOTP:
        spend_code(authenticator.pk, _counter_of(authenticator, request.POST.get("code", "")))
    note_change(user, Action.USER_MFA_ADDED, authenticator.type)


@receiver(signals.authenticator_removed)
def was_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        note_change(user, Action.USER_MFA_REMOVED, authenticator.type)


@receiver(signals.authenticator_reset)
def codes_were_made(user: User, authenticator: Authenticator, **_: Any) -> None:
    note_change(user, Action.USER_MFA_ADDED, authenticator.type)
