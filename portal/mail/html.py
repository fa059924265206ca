"""A mail's HTML form, made from its text: one wording for both, so that they never differ.

Paragraphs are parted by empty lines. ``Words:`` with an address of ours beneath become a button,
several lines ``name: value`` a small table, and other addresses of ours links. What stands behind
the signature's line (RFC 3676 section 4.3) is the text's alone: ``mail/frame.html`` has its own foot.
"""

import re
from dataclasses import dataclass, field

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import get_language

from portal.core.colors import readable_on
from portal.mail.branding import branding

SIGNATURE = "\n-- \n"


@dataclass(frozen=True)
class Block:
    """One paragraph: a button when it has an ``address``, a table when it has ``rows``."""

    words: list[tuple[str, bool]] = field(default_factory=list)
    """Stretches of text, and whether each is an address to be linked."""
    address: str = ""
    rows: list[list[str]] = field(default_factory=list)


def html_form(title: str, text: str) -> str:
    """The page that shows the same as ``text``, under a heading."""
    content = text.partition(SIGNATURE)[0]
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", content) if part.strip()]
    context = {
        "title": title,
        "blocks": [_block(part) for part in paragraphs],
        "language": get_language(),
        "accent": settings.PORTAL_ACCENT_COLOR,
        "accent_ink": readable_on(settings.PORTAL_ACCENT_COLOR),
        **branding(),
    }
    return render_to_string("mail/frame.html", context)


def _block(paragraph: str) -> Block:
    lines = paragraph.splitlines()
    if len(lines) == 2 and lines[0].endswith(":") and _ours().fullmatch(lines[1]):
        return Block([(lines[0][:-1], False)], address=lines[1])
    if len(lines) > 1 and all(": " in line for line in lines):
        return Block(rows=[line.split(": ", 1) for line in lines])
    pieces = _ours().split(" ".join(lines))
    return Block([(piece, number % 2 == 1) for number, piece in enumerate(pieces) if piece])


def _ours() -> re.Pattern[str]:
    return re.compile(rf"({re.escape(settings.PORTAL_BASE_URL)}(?:/[^\s<>]*[^\s<>.,;)]|(?![\w.:-])))")
