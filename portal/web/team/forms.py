"""What people fill in about their team."""

import re
from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.models import User
from portal.web.forms import ConfirmedByTyping, OnceForm, offer_choices
from portal.web.keys.forms import RotateForm
from portal.web.team.roles import MEANING, ROLES

MOST_AT_ONCE = 20
_BETWEEN = re.compile(r"[\s,;]+")


class InviteForm(OnceForm):
    emails = forms.CharField(
        label=gettext_lazy("E-mail addresses"),
        max_length=6000,
        help_text=gettext_lazy(
            "One on each line, up to 20. Each gets a mail with a link that works for 7 days."
        ),
        widget=forms.Textarea(
            attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false", "autofocus": True}
        ),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), widget=forms.RadioSelect, initial="developer")

    def __init__(self, *args: Any, roles: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_choices(self, "role", _explained(roles))

    def clean_emails(self) -> list[str]:
        """The addresses in the order given, each once."""
        written = (part.strip("<>") for part in _BETWEEN.split(self.cleaned_data["emails"]))
        emails = list(dict.fromkeys(User.objects.normalize_email(part) for part in written if part))
        if len(emails) > MOST_AT_ONCE:
            raise ValidationError(
                _("These are %(number)d addresses. Invite up to %(limit)d at once.")
                % {"number": len(emails), "limit": MOST_AT_ONCE}
            )
        wrong = [email for email in emails if not _is_address(email)]
        if wrong:
            raise ValidationError(
                ngettext(
                    "This is no e-mail address: %(wrong)s. Nothing was sent.",
                    "These are no e-mail addresses: %(wrong)s. Nothing was sent.",
                    len(wrong),
                )
                % {"wrong": ", ".join(wrong)}
            )
        return emails


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=gettext_lazy("What they may do"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, roles: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_choices(self, "role", _explained(roles))


class RotateManyForm(RotateForm):
    """How long rotated keys work on; which ones is chosen in a table beside it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        overlap = self.fields["overlap"]
        overlap.label = gettext_lazy("Keep the old keys working for")
        overlap.help_text = gettext_lazy("Time to put the new keys everywhere the old ones are in use.")


class HandOverForm(ConfirmedByTyping, OnceForm):
    """Asks for the customer's name."""


def _explained(roles: Collection[str]) -> list[tuple[str, str]]:
    return [
        (role, format_html('<span>{}<span class="meaning">{}</span></span>', words, MEANING[role]))
        for role, words in ROLES.items()
        if role in roles
    ]


def _is_address(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return len(email) <= 254
