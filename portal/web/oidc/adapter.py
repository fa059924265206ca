"""Whom an identity provider lets in: allauth's rules for other people's accounts, and ours."""

from copy import copy
from typing import Any

import structlog
from allauth.account.adapter import get_adapter as account_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, _build_apps_from_settings
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault
from django.http import HttpRequest
from django.shortcuts import render

from portal.models import User
from portal.services.signups import account_to_connect, free_address, note_sign_up
from portal.web.accounts.invited import invitation_of

log = structlog.get_logger("portal.oidc")


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[Any]:
        """Those of the environment alone; allauth would look into the database too."""
        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Connect the account with the address that the provider vouches for; staff's never by itself."""
        sociallogin.token = None  # we never call the provider again, and sessions hold no secrets
        signing_in = sociallogin.state.get("process") == AuthProcess.LOGIN
        email = _proven_email(sociallogin)
        if not signing_in or sociallogin.is_existing or email is None:
            return
        user = account_to_connect(email)
        if user is None:
            free_address(email)
        elif user.is_staff:
            page = render(request, "socialaccount/connect_first.html", status=403)
            raise ImmediateHttpResponse(page)
        elif user.is_active:
            sociallogin.connect(request, user)
        else:
            raise ImmediateHttpResponse(account_adapter(request).respond_user_inactive(request, user))

    def serialize_instance(self, instance: Model) -> Any:
        """For the session, which can't hold what only the database will fill in."""
        kept = copy(instance)
        kept.__dict__ = {
            name: value for name, value in vars(instance).items() if not isinstance(value, DatabaseDefault)
        }
        return super().serialize_instance(kept)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """By invitation means: for the address that was invited, which the provider has to vouch for."""
        if settings.PORTAL_SIGNUP != "invite":
            return True
        invitation = invitation_of(request)
        return invitation is not None and invitation.email == _proven_email(sociallogin)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> Any:
        user = super().populate_user(request, sociallogin, data)
        user.name = data["name"][:200]
        return user

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            note_sign_up(user)
        return user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, **_: Any
    ) -> None:
        log.warning(
            "oidc.refused", provider=provider.sub_id, error=str(error),
            reason=type(exception).__name__ if exception else None,
        )  # fmt: skip


def _proven_email(sociallogin: SocialLogin) -> str | None:
    """The address that the provider says it has checked."""
    return next((str(address.email) for address in sociallogin.email_addresses if address.verified), None)
