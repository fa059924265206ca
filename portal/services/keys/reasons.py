"""Why a key was revoked, as people read it on its page and in mails."""

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

_OURS: dict[str, Promise] = {
    "replaced": _("Replaced by a newer key"),
    "customer suspended": _("The customer was suspended."),
    "customer closed": _("The customer was closed."),
    "subscription cancelled": _("The subscription was cancelled."),
    "secret never fetched": _("Nobody fetched its secret within 7 days."),
    "deleted at the provider": _("It was deleted at the provider."),
    "RFC 7009 revocation": _("Software that held it asked for that."),
}
"""What is stored where the portal itself gave the reason."""


_SIGNING_KEY = "signing key revoked: "


def of_signing_key(reason: str) -> str:
    """What is stored with the keys that a signing key signed which staff revoked for that reason."""
    return _SIGNING_KEY + reason


def reason_words(reason: str) -> str | Promise:
    """The reason in the language of whoever reads it; what a person wrote stays as it is."""
    if reason.startswith(_SIGNING_KEY):
        words = _("The signing key that signed it was revoked: {reason}")
        return format_lazy(words, reason=reason.removeprefix(_SIGNING_KEY))
    return _OURS.get(reason, reason)
