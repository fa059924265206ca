"""docs/errors.md lists every code there is, and none that isn't."""

import re

import pytest

from tests.docs.codes import Codes, find_codes
from tests.docs.sources import ROOT

pytestmark = pytest.mark.once
PAGE = (ROOT / "docs/errors.md").read_text()


@pytest.fixture(scope="module")
def codes() -> Codes:
    return find_codes()


def documented() -> list[tuple[str, str]]:
    """The code and the second column of each row."""
    return re.findall(r"^\| `([a-z0-9_]+)` \| ([^|]+?) \|", PAGE, re.MULTILINE)


def test_every_code_is_documented(codes: Codes) -> None:
    assert sorted(set(codes.statuses) - {code for code, _ in documented()}) == []


def test_every_documented_code_exists(codes: Codes) -> None:
    assert sorted({code for code, _ in documented()} - set(codes.statuses)) == []


def test_no_row_is_there_twice() -> None:
    sections = PAGE.split("## Errors of operations")
    for section in sections:
        rows = re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE)
        assert sorted(set(rows)) == sorted(rows)


def test_documented_status_is_the_one_that_is_answered(codes: Codes) -> None:
    answered = [(code, second) for code, second in documented() if second.isdecimal()]
    assert len(answered) > 40
    assert [row for row in answered if {int(row[1])} != codes.statuses[row[0]]] == []


def test_every_code_in_the_sources_can_be_looked_up(codes: Codes) -> None:
    assert codes.unclear == []  # a code that is put together at run time is in no document


def test_the_page_of_the_auth0_plugin_lists_each_of_its_codes(codes: Codes) -> None:
    page = (ROOT / "docs/plugins/auth0-m2m.md").read_text()
    listed = re.findall(r"^\| `(auth0_[a-z_]+)` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted(code for code in codes.statuses if code.startswith("auth0_"))
