"""How allauth behaves here."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.signals import password_reset
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.dispatch import receiver
from django.http import HttpRequest

from portal.models import User
from portal.web.branding import branding


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.PORTAL_SIGNUP == "open")

    def get_client_ip(self, request: HttpRequest) -> str:
        """The visitor's address; a request that came around our proxies counts as its sender's."""
        try:
            return str(super().get_client_ip(request))
        except ImproperlyConfigured:
            return str(request.META["REMOTE_ADDR"])

    def format_email_subject(self, subject: str) -> str:
        return f"[{settings.PORTAL_NAME}] {subject}"

    def render_mail(
        self, template_prefix: str, email: Any, context: dict[str, Any], headers: Any = None
    ) -> Any:
        return super().render_mail(template_prefix, email, {**branding(self.request), **context}, headers)

    def get_reset_password_from_key_url(self, key: str) -> str:
        return _on_base_url(super().get_reset_password_from_key_url(key))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return _on_base_url(super().get_email_confirmation_url(request, emailconfirmation))


def _on_base_url(url: str) -> str:
    """The same path on ``PORTAL_BASE_URL``: links in mail never follow the request's Host."""
    return f"{settings.PORTAL_BASE_URL}{urlsplit(url).path}"


@receiver(password_reset)
def mailbox_is_proven(request: HttpRequest, user: User, **_: object) -> None:
    """Who set a password through the link in a mail owns the mailbox: no second mail to prove it."""
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
