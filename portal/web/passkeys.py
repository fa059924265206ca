"""Passkeys: where they can be had, and forms that take their answers."""

import struct
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LONGEST_NAME = 80
MOST_PASSKEYS = 20
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, struct.error)
"""What reading a made-up credential may raise in the libraries below."""


class _OurCredential(forms.Form):
    """A passkey's answer, made on this portal's own page: no other origin's counts, a subdomain's neither."""

    def clean_credential(self) -> Any:
        credential = self.cleaned_data["credential"]
        try:
            answer = webauthn.parse_authentication_response(credential)
            if answer.response.client_data.origin != settings.PORTAL_BASE_URL:
                raise _passkey_refused()
            return super().clean_credential()  # type: ignore[misc]  # the forms of allauth beside it have it
        except ValidationError as exc:
            raise _passkey_refused() if exc.code == "incorrect_code" else exc from exc
        except _UNREADABLE as exc:
            raise _passkey_refused() from exc


def _passkey_refused() -> ValidationError:
    return ValidationError(_("This passkey wasn't accepted. Try again, or use another way."))


class SignInPasskeyForm(_OurCredential, LoginWebAuthnForm):
    """Signing in with nothing else."""


class SecondPasskeyForm(_OurCredential, AuthenticateWebAuthnForm):
    """The second step of signing in."""


class ConfirmPasskeyForm(_OurCredential, ReauthenticateWebAuthnForm):
    """Confirming that it is still the same person."""


class ConfirmPasskey(ReauthenticateWebAuthnView):
    """Of ``ConfirmPasskeyForm``. By itself allauth leads whoever it refuses to the dashboard."""

    def form_invalid(self, form: ConfirmPasskeyForm) -> HttpResponse:
        for why in form.errors["credential"]:
            messages.error(self.request, str(why))
        return HttpResponseRedirect(self.passthrough_next_url(self.request.path))


class AddPasskeyForm(AddWebAuthnForm):
    name = forms.CharField(
        label=gettext_lazy("Name"), required=False, max_length=LONGEST_NAME,
        help_text=gettext_lazy("So that you can tell it from others: where it is kept, for example."),
    )  # fmt: skip
    passwordless = None  # every passkey may sign in alone, if it can

    def clean(self) -> dict[str, Any]:
        kept = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.WEBAUTHN).count()
        if kept >= MOST_PASSKEYS:
            raise ValidationError(_("You have as many passkeys as one can have. Remove one first."))
        credential = self.cleaned_data.get("credential")
        try:
            if credential:
                answer = webauthn.parse_registration_response(credential)
                if answer.response.client_data.origin != settings.PORTAL_BASE_URL:
                    raise _passkey_refused()
            return dict(super().clean())
        except ValidationError as exc:
            raise _passkey_refused() if exc.code == "incorrect_code" else exc from exc
        except _UNREADABLE as exc:
            raise _passkey_refused() from exc


class RenamePasskeyForm(EditWebAuthnForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME)
