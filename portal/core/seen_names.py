"""Names that people can see and that stay where they stand."""

import unicodedata

from django.utils.translation import gettext as _

from portal.core.errors import Invalid

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows them on the page (Unicode TR 36, section 2.2). Arabic
and Hebrew need none of them."""
_UNSEEN = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that are drawn as nothing."""


def check_name(name: str) -> None:
    """Raise ``Invalid`` for a name that shows nothing to read, or that turns the words beside it."""
    if not any(unicodedata.category(char)[0] in "LNPS" and char not in _UNSEEN for char in name):
        raise Invalid.field("name", _("needs a character that can be seen"))
    if not _TURNING.isdisjoint(name):
        raise Invalid.field("name", _("must not hold characters that turn the direction of writing"))
