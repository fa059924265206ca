"""How allauth behaves here."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, password_reset
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language

from portal.core.client_address import client_address
from portal.mail.accounts import in_both_forms, said, written_to
from portal.mail.render import subject_of
from portal.models import User
from portal.services.signups import greet, prove_mailbox
from portal.web.accounts.invited import invitation_of, take_invitation_path
from portal.web.errors import too_many_requests
from portal.web.reauthentication import Reauthentication

TOO_MANY_WRONG_PASSWORDS_SECONDS = 300
"""allauth's default for one address."""


class AccountAdapter(Reauthentication, DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """By invitation means: for the browser that an invitation's link was opened in."""
        return settings.PORTAL_SIGNUP != "invite" or invitation_of(request) is not None

    def is_ajax(self, request: HttpRequest) -> bool:
        """These are pages: nobody gets their forms as JSON, but for a passkey's challenge."""
        return request.path == reverse("mfa_login_webauthn") and bool(super().is_ajax(request))

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request.META)

    def is_safe_url(self, url: str) -> bool:
        """Only paths of ours and addresses below ``PORTAL_BASE_URL`` are led to."""
        return bool(super().is_safe_url(url)) and (
            url.startswith("/") or f"{url}/".startswith(f"{settings.PORTAL_BASE_URL}/")
        )

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        return super().get_reauthentication_methods(user) if user.is_authenticated else []

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as exc:
            answer = too_many_requests(request, retry_after=TOO_MANY_WRONG_PASSWORDS_SECONDS)
            raise ImmediateHttpResponse(answer) from exc

    def new_user(self, request: HttpRequest) -> Any:
        """Who signs up on a page in another language than the usual one gets mail in it, too."""
        user, language = super().new_user(request), get_language() or ""
        user.language = "" if language == settings.LANGUAGE_CODE else language
        return user

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """An address beside the first is confirmed by who added it, signed in.

        Else a stranger's account gets the address of whoever presses the button in an unasked-for mail.
        """
        proven = EmailAddress.objects.filter(user=email_address.user_id, verified=True)
        if request.user.pk != email_address.user_id and proven.exists():
            raise ImmediateHttpResponse(redirect_to_login(request.path))
        try:
            with transaction.atomic():
                return bool(super().confirm_email(request, email_address))
        except IntegrityError:  # another account proved the address a moment ago
            return False

    def post_login(self, request: HttpRequest, user: User, *, signup: bool, **options: Any) -> HttpResponse:
        """Who has just signed up, and proven the address, needn't sign in again to see a secret."""
        if signup and not get_authentication_records(request, user):
            record_authentication(request, user, method="signup")
        answer: HttpResponse = super().post_login(request, user, signup=signup, **options)
        return answer

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return take_invitation_path(request) or reverse("welcome")

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return take_invitation_path(request) or str(super().get_login_redirect_url(request))

    def format_email_subject(self, subject: str) -> str:
        return subject_of(subject)

    def render_mail(
        self, template_prefix: str, email: Any, context: dict[str, Any], headers: Any = None
    ) -> Any:
        with written_to(email):
            return in_both_forms(super().render_mail(template_prefix, email, said(context), headers))

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
    prove_mailbox(user)


@receiver(email_confirmed)
def first_address_is_proven(request: HttpRequest, email_address: EmailAddress, **_: object) -> None:
    """Within the transaction of ``confirm_email``."""
    greet(email_address.user)
