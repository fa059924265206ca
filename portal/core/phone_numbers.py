"""Telephone numbers: checked, compared in E.164, and masked for whoever needn't read them."""

import re
from dataclasses import dataclass, field

import phonenumbers

_WRITTEN = re.compile(r"\+?[1-9][0-9]{1,14}")


@dataclass(frozen=True)
class PhoneNumber:
    """``written`` as the caller wrote it; ``e164`` is the same for every way to write it."""

    written: str = field(repr=False)
    e164: str = field(repr=False)

    def __str__(self) -> str:
        return masked(self.e164)


def parse_phone_number(text: str) -> PhoneNumber | None:
    """The number, with or without its ``+``; None for what no telephone can have.

    The country code is needed, and no other character than digits is taken (ITU-T E.164). Possible
    is enough: which numbers are given out changes from day to day.
    """
    if not _WRITTEN.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(f"+{text.removeprefix('+')}")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return PhoneNumber(text, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def masked(e164: str) -> str:
    """``+1•••••0123``: the country and the last digits, of short numbers fewer of them."""
    number = phonenumbers.parse(e164)
    national = phonenumbers.national_significant_number(number)
    return f"+{number.country_code}•••••{national[-4 if len(national) > 7 else -2 :]}"
