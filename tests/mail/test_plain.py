"""What people typed stands in a mail as one harmless line."""

import pytest

from portal.mail.plain import plain

JOINED = "\N{ZERO WIDTH NON-JOINER}"


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Acme Ltd.", "Acme Ltd."),
        ("  two\r\nlines\x00 ", "two lines"),
        ("right\N{RIGHT-TO-LEFT OVERRIDE}left", "right left"),
        ("https://evil.example", f"https:{JOINED}//evil.{JOINED}example"),
        ("www.evil.com now", f"www.{JOINED}evil.{JOINED}com now"),
        ("evil.example/ada@example.com", f"evil.{JOINED}example/ada@example.{JOINED}com"),
        ("v1.2 of 192.0.2.7", "v1.2 of 192.0.2.7"),
        ("ada@example.com", "ada@example.com"),
        ("x" * 101, "x" * 99 + "…"),
        ("Ärztehaus Köln", "Ärztehaus Köln"),
    ],
)
def test_it_is_one_line_without_links(typed: str, written: str) -> None:
    assert plain(typed) == written


def test_nothing_is_cut_inside_what_was_put_in() -> None:
    assert len(plain("a." * 100, longest=10).replace(JOINED, "")) <= 10
