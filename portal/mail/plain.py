"""What people typed, made harmless before it stands in a mail that we sign.

A customer may be called “https://evil.example click here”, and a browser may call itself anything.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

LONGEST = {"reason": 500}
LONGEST_NAME = 100
_UNLINKED = "\N{ZERO WIDTH NON-JOINER}"
"""Between the parts of an address it is seen by nobody but the programs that would make a link of it."""
_LINKS = re.compile(r":(?=//)|\.(?=[^\W\d_])")


def plain(text: str, longest: int = LONGEST_NAME) -> str:
    """One line without control characters, cut to so many, in which no mail program sees a link."""
    seen = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    line = " ".join(seen.split())
    if len(line) > longest:
        line = line[: longest - 1].rstrip() + "…"
    return " ".join(_unlinked(word) for word in line.split(" "))


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with every text made plain, but for our own links: names that end in ``_url``."""
    return {
        name: value if name.endswith("_url") else _made_plain(value, LONGEST.get(name, LONGEST_NAME))
        for name, value in values.items()
    }


def _made_plain(value: Any, longest: int) -> Any:
    if isinstance(value, tuple):
        return tuple(_made_plain(each, longest) for each in value)
    return plain(value, longest) if isinstance(value, str) else value


def _unlinked(word: str) -> str:
    """An e-mail address stays as it is, to be copied: as a link it opens nothing but the mail program."""
    if "@" in word and "/" not in word:
        return word
    return _LINKS.sub(lambda found: found[0] + _UNLINKED, word)
