"""What a mail says, from the text templates in templates/mail."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string


@dataclass(frozen=True)
class Mail:
    """Subject and text. An HTML form would be one more field, and an alternative part in ``send``."""

    subject: str
    text: str


def render(name: str, **values: Any) -> Mail:
    """The mail of ``templates/mail/<name>_subject.txt`` and ``<name>.txt``, under the portal's name."""
    context = {
        "portal_name": settings.PORTAL_NAME,
        "portal_base_url": settings.PORTAL_BASE_URL,
        "portal_support_email": settings.PORTAL_SUPPORT_EMAIL,
        **values,
    }
    subject = render_to_string(f"mail/{name}_subject.txt", context)
    # A line end in a subject would begin another header; a name may hold one.
    return Mail(" ".join(subject.split()), render_to_string(f"mail/{name}.txt", context))
