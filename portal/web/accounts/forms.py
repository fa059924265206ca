"""The forms of the account pages where they ask for more, or tell less, than allauth's own."""

from typing import Any

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.socialaccount import forms as social
from allauth.socialaccount.models import SocialAccount
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.validators import RegexValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from portal.models import User
from portal.services.signups import free_address, is_taken, note_sign_up
from portal.web.accounts.invited import invitation_of

plain_name = RegexValidator(
    r"://|www\.|[\x00-\x1f<>]", _("Write the name without addresses of web pages."), inverse_match=True
)
"""Names stand in mails to people who never asked for one."""


class PersonName(forms.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            label=_("Your name"), required=False, max_length=200, validators=[plain_name],
            widget=forms.TextInput(attrs={"autocomplete": "name"}), **options,
        )  # fmt: skip


class LoginForm(account.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail")
        self.fields["remember"].label = _("Keep me signed in on this device")


class _Address:
    """Calls the address what other pages call it."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")


class AddEmailForm(_Address, account.AddEmailForm):
    pass


PASSWORD_RULES = format_lazy(
    _("At least {length} characters; no common password, not only digits, unlike your name and address."),
    length=settings.PASSWORD_LENGTH,
)
"""What the validators of ``AUTH_PASSWORD_VALIDATORS`` ask for, to be read before one types."""


class SignupForm(_Address, account.SignupForm):
    """Answers alike, and works as hard, whether the address has an account or not."""

    name = PersonName()
    field_order = ("name", "email", "password1", "password2")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = PASSWORD_RULES
        self.invitation = invitation_of(context.request)
        if self.invitation is not None:
            self.initial["email"] = self.invitation.email
            self.fields["email"].disabled = True  # what is sent instead is ignored
            self.fields["email"].help_text = _("Your invitation is for this address.")

    def validate_unique_email(self, value: str) -> str:
        self.account_already_exists = is_taken(value)
        return value

    def clean(self) -> dict[str, Any]:
        """allauth holds the password against the address alone."""
        cleaned: dict[str, Any] = super().clean()
        if "password1" in cleaned:
            try:
                validate_password(cleaned["password1"], User(name=cleaned.get("name", "")))
            except forms.ValidationError as exc:
                self.add_error("password1", exc)
        return cleaned

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            User().set_password(self.cleaned_data["password1"])  # takes as long as for a new account
            return super().try_save(request)
        try:
            return super().try_save(request)
        except IntegrityError:  # the same form was sent twice at once
            self.account_already_exists = True
            return super().try_save(request)

    def save(self, request: HttpRequest) -> User:
        with transaction.atomic():
            free_address(self.cleaned_data["email"])
            if self.invitation is not None:  # its link came to that mailbox
                get_adapter().stash_verified_email(request, self.invitation.email)
            user: User = super().save(request)
            note_sign_up(user)
        return user

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class SocialSignupForm(_Address, social.SignupForm):
    """Asks for the address that an identity provider kept to itself."""

    name = PersonName()
    field_order = ("name", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["name"] = self.sociallogin.user.name

    def validate_unique_email(self, value: str) -> str:
        self.account_already_exists = is_taken(value)
        return value

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class _NewPassword:
    """Puts the rules into one sentence, and labels into the case of ours."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = PASSWORD_RULES
        labels = {
            "oldpassword": _("Current password"),
            "password1": _("New password"),
            "password2": _("New password (again)"),
        }
        for name in labels.keys() & self.fields.keys():
            self.fields[name].label = labels[name]


class ChangePasswordForm(_NewPassword, account.ChangePasswordForm):
    pass


class SetPasswordForm(_NewPassword, account.SetPasswordForm):
    pass


class PasswordByMailForm(_NewPassword, account.ResetPasswordKeyForm):
    """Behind the link in a mail."""


class ResetPasswordForm(_Address, account.ResetPasswordForm):
    users: list[User]

    def clean_email(self) -> str:
        """An account that only added the address, unproven, is not the one to set a password of."""
        email = str(super().clean_email())
        proven = set(EmailAddress.objects.filter(email=email, verified=True).values_list("user", flat=True))
        self.users = [user for user in self.users if user.email == email or user.pk in proven]
        return email


class DisconnectForm(social.DisconnectForm):
    """Of the providers that are configured: an account elsewhere lets nobody in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {provider.slug: provider.name for provider in settings.IDENTITY_PROVIDERS}
        theirs = SocialAccount.objects.filter(user=self.request.user)
        self.accounts = theirs.filter(provider__in=names).order_by("pk")
        self.fields["account"].queryset = self.accounts
        self.connected = [(account, names[account.provider]) for account in self.accounts]
