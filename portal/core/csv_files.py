"""CSV files that people open in spreadsheets.

They are UTF-8 with a byte order mark, without which Excel takes them for something else.
Cells that a spreadsheet would run as formulas are defused (OWASP, "CSV injection").
"""

import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

_FORMULA = "=+-@−"
_SPLIT = re.compile(r"(?<=[;\t\r\n])(?=\s*[=+\-@−＝＋－＠])")


class _Line:
    """What ``csv`` writes to: hands each line on instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(header: Iterable[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The file line by line, as the rows come (RFC 4180)."""
    write = csv.writer(_Line(), quoting=csv.QUOTE_ALL).writerow
    yield "\ufeff" + write(list(header))
    for row in rows:
        yield write([cell(value) for value in row])


def cell(value: Any) -> str:
    """The value as text that no spreadsheet takes for a formula."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case list() if all(isinstance(word, str) for word in value):
            return _harmless(" ".join(value))
        case list() | dict():
            return _harmless(json.dumps(value, ensure_ascii=False, sort_keys=True))
    return _harmless(str(value))


def _harmless(text: str) -> str:
    """With an apostrophe before whatever would start a formula, here or where a semicolon splits.

    Blanks and invisible characters before it are looked through, full-width forms are folded:
    spreadsheets do both.
    """
    text = _SPLIT.sub("'", text.replace("\x00", ""))
    first = next((char for char in text if unicodedata.category(char) not in ("Zs", "Cc", "Cf")), "")
    risky = text.startswith(("\t", "\r", "\n", *_FORMULA)) or (
        first != "" and unicodedata.normalize("NFKC", first)[0] in _FORMULA
    )
    return f"'{text}" if risky else text
