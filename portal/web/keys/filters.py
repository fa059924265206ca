"""What of the list of keys is asked for: in the address, so that it can be kept and sent to a colleague."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.core.plugins import registry
from portal.models import User
from portal.models.issued_key import IssuedKeyQuerySet
from portal.web.keys.tally import Tally
from portal.web.keys.words import FILTERS, STATUS

SEARCHED = 20_000
"""How many keys one page of a search looks at; the next page looks at as many more."""
LONGEST_SEARCH = 100
MINE = "mine"
_ID = re.compile(r"key_[A-Za-z0-9]{16,}")


@dataclass(frozen=True)
class Filters:
    """Fields are the query's parameters; what means nothing is as good as not there."""

    status: str = ""
    search: str = ""
    person: str = ""
    plugin: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        given = {name: request.GET.get(name, "") for name in ("status", "search", "person", "plugin")}
        return cls(
            status=given["status"] if given["status"] in STATUS else "",
            search=_printable(given["search"]),
            person=given["person"] if given["person"] == MINE else "",
            plugin=given["plugin"] if given["plugin"] in registry().slugs else "",
        )

    @property
    def are_set(self) -> bool:
        return any(asdict(self).values())

    @property
    def looks_at_many(self) -> bool:
        """Whether no index finds it: the search reads keys one after the other."""
        return bool(self.search) and not _ID.fullmatch(self.search)

    def among(self, user: User) -> Q:
        """By person and plugin."""
        by_person = Q(user=user) if self.person else Q()
        return by_person & Q(plugin=self.plugin) if self.plugin else by_person

    def applied(self, keys: IssuedKeyQuerySet, user: User) -> IssuedKeyQuerySet:
        keys = keys.filter(self.among(user))
        if self.status:
            keys = keys.in_status(self.status)
        return keys.filter(_matching(self.search)) if self.search else keys

    def pills(self, tally: Tally) -> list[dict[str, Any]]:
        """A link for each status that some key has; a search isn't counted, it would cost too much."""
        shown = [code for code in FILTERS if tally.by_status[code] or code in ("active", self.status)]
        pills = [{"words": _("All"), "url": self.url(status=""), "current": not self.status}]
        pills += [
            {"words": STATUS[code].words, "url": self.url(status=code), "current": code == self.status}
            for code in shown
        ]
        if not self.search:
            counts = [tally.total, *(tally.by_status[code] for code in shown)]
            for pill, count in zip(pills, counts, strict=True):
                pill["count"] = count
        return pills

    def url(self, **changes: str) -> str:
        """The list with these filters, but for ``changes``."""
        query = urlencode({name: value for name, value in {**asdict(self), **changes}.items() if value})
        return f"/keys?{query}" if query else "/keys"


def _printable(text: str) -> str:
    """What people type: no control characters, which databases refuse, and no ends of blanks."""
    return "".join(character for character in text if character.isprintable()).strip()[:LONGEST_SEARCH]


def _matching(text: str) -> Q:
    """By id; by part of the name; by the secret's ends, as ``eyJhbGci…x9Qk`` or either one."""
    if _ID.fullmatch(text):
        return Q(public_id=text)
    first, dots, last = text.replace("...", "…").partition("…")
    ends = Q(prefix=text) | Q(last4=text)
    if dots:
        ends = Q(prefix__startswith=first, last4__endswith=last)
    return Q(name__icontains=text) | ends
