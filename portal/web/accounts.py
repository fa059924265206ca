"""How allauth behaves here."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from portal.web.branding import branding


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.PORTAL_SIGNUP == "open")

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
