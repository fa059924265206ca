"""Which pages there are: the portal's own, and those in the operator's ``PORTAL_TEMPLATES``.

A page is a template ``portal/docs/<name>.html`` that begins with its ``<h1>`` and perhaps a
``<p class="lead">``; the frame around it is ours.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template import Context, Engine
from django.template.loader import get_template, render_to_string
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

FOLDER = "portal/docs"
FIRST = ("calls", "verify", "scripts")
"""The portal's own, in the order in which one reads them; the operator's follow by name."""
_NAME = re.compile(r"[a-z0-9-]+")
_INDEX = "index"
_HEADING = re.compile(r'<h2 id="([\w-]+)">(.*?)</h2>', re.DOTALL)


@dataclass(frozen=True)
class Page:
    name: str
    title: str
    lead: str


@dataclass(frozen=True)
class Article:
    """A page's content, and its sections: id and heading."""

    html: SafeString
    sections: list[tuple[str, str]]


def pages() -> list[Page]:
    """All pages but the index, in the current language."""
    folders = [folder / FOLDER for folder in (*settings.PORTAL_TEMPLATES, settings.BASE_DIR / "templates")]
    names = {path.stem for folder in folders for path in folder.glob("*.html")} - {_INDEX}
    known = sorted(name for name in names if _NAME.fullmatch(name))
    return [_page(name) for name in sorted(known, key=_place)]


def page_named(name: str) -> Page | None:
    """Looked for in the list, so that no name can be a path to something else."""
    return next((page for page in pages() if page.name == name), None)


def article(page: Page, context: dict[str, Any], request: HttpRequest) -> Article:
    """The page with this portal's values in it."""
    html = render_to_string(f"{FOLDER}/{page.name}.html", context, request)
    sections = [(anchor, strip_tags(heading)) for anchor, heading in _HEADING.findall(html)]
    return Article(html, sections)


def _place(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


def _page(name: str) -> Page:
    source = get_template(f"{FOLDER}/{name}.html").template.source  # type: ignore[attr-defined]  # Django's engine
    title = _first(source, "h1", "") or name.replace("-", " ").capitalize()
    return Page(name, title, _first(source, "p", ' class="lead"'))


def _first(source: str, tag: str, attributes: str) -> str:
    """The text of the first such element; it may hold tags of the template language."""
    found = re.search(rf"<{tag}{attributes}>(.*?)</{tag}>", source, re.DOTALL)
    if found is None:
        return ""
    return strip_tags(Engine.get_default().from_string(found[1]).render(Context())).strip()
