"""Asking again who it is, before secrets are shown and what protects the account is changed.

A sign-in of the last five minutes is enough. Whoever has a second factor confirms with that: a password
that leaked, or an open laptop with its saved password, must not be enough to remove it.
"""

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.core.exceptions import ReauthenticationRequired
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.core.sign_in import has_recent_sign_in, passkeys_work
from portal.models import User


class Reauthentication:
    """The part of our account adapter that says when and how."""

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Raises instead of answering yes: allauth would then ask nobody who signs in elsewhere alone."""
        request = context.request
        if has_recent_sign_in(request, request.user):
            return False
        raise ReauthenticationRequired

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The first is the one that is asked for; a password only where there is nothing stronger.

        A passkey before a code: of those who have no app, a code would be one of their few recovery codes.
        """
        found = super().get_reauthentication_methods(user)  # type: ignore[misc]  # allauth's adapter has it
        methods = {method["id"]: method for method in found}
        if not passkeys_work():
            methods.pop("mfa_reauthenticate:webauthn", None)
        if len(methods) > 1:
            methods.pop("reauthenticate", None)
        ways = {
            "mfa_reauthenticate:webauthn": _("Use a passkey"),
            "mfa_reauthenticate": _("Use a code"),
            "reauthenticate": _("Use your password"),
        }
        found = [{**methods[name], "description": words} for name, words in ways.items() if name in methods]
        return found or _providers_of(user)


def _providers_of(user: User) -> list[dict[str, Any]]:
    """Somebody without password and second factor signs in again where they did before."""
    found = []
    for account in SocialAccount.objects.filter(user=user).order_by("id"):
        try:
            provider = account.get_provider(context.request)
        except (SocialApp.DoesNotExist, ImproperlyConfigured):
            continue  # it isn't configured any more
        words = _("Sign in again with %(name)s") % {"name": provider.name}
        url = provider.get_login_url(context.request)
        found.append({"id": f"provider:{account.pk}", "description": words, "url": url})
    return found


def ask_again(request: HttpRequest, back: str) -> HttpResponse:
    """To the page that asks who it is, which leads on to ``back``."""
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    page = methods[0]["url"] if methods else reverse("account_reauthenticate")
    return HttpResponseRedirect(f"{page}?{urlencode({'next': back})}")


def confirm_sign_in(request: HttpRequest, told: str, back: str) -> HttpResponse:
    """The same, saying why."""
    messages.info(request, told)
    return ask_again(request, back)
