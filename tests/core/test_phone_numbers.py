"""Telephone numbers: what is one, which are the same, what is shown of them."""

import pytest

from portal.core.phone_numbers import masked, parse_phone_number


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("+15555550123", "+15555550123"),
        ("15555550123", "+15555550123"),
        ("491701234567", "+491701234567"),
        ("+4407911123456", "+447911123456"),  # the trunk's 0, which people leave in
        ("390612345678", "+390612345678"),  # Italy's belongs to the number
    ],
)
def test_one_number_has_one_form(written: str, e164: str) -> None:
    number = parse_phone_number(written)
    assert number is not None
    assert (number.written, number.e164) == (written, e164)


@pytest.mark.parametrize(
    "text",
    [
        "", "+", "abc", "123", "+4412", "+999123456789", "+1555555012", "+155555501234567", "1555555012x",
        "+1800FLOWERS", "+1 555 555 0123", "++15555550123", "15555550123\n", "１５５５５５５０１２３",
        "+0015555550123", "015555550123", "1" * 5000, "15555550123\0",
    ],
)  # fmt: skip
def test_anything_else_is_none(text: str) -> None:
    assert parse_phone_number(text) is None


def test_masks_show_the_country_and_the_end() -> None:
    assert masked("+15555550123") == "+1•••••0123"
    assert masked("+491701234567") == "+49•••••4567"
    assert masked("+2902123") == "+290•••••23"  # of a short number, less
    assert "5555550123" not in repr(parse_phone_number("15555550123")) + str(
        parse_phone_number("15555550123")
    )
