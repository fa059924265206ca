"""Telephones that the company's mobile backend fetched tokens for, and one that support called back."""

import random
import secrets
import uuid

from portal.core.limits import parse_limit
from portal.core.phone_numbers import parse_phone_number
from portal.core.token_service import TokenService
from portal.management.demo.firm import Firm
from portal.management.demo.timeline import Story
from portal.models import PhoneToken
from portal.services.phone_tokens import Request, record_phone_tokens, show_numbers

NUMBERS = {"+120255501": 2, "+447700900": 3, "+493023125": 3, "+3363998": 4, "+463139006": 2}
"""Beginning → how many digits follow. Nobody's: authorities keep them for films and the like."""
FIRST_DAY = 21.0
MINUTES_BETWEEN = 120
ASKED_AGAIN = 0.3
"""The share of tokens that aren't used within their 90 seconds."""
BACKEND = "198.51.100.24"


def phone_stories(firm: Firm) -> list[Story]:
    return [sign_ups(firm), called_back(firm, 29.4)]


def sign_ups(firm: Firm) -> Story:
    """People who confirm their telephone in the company's app."""
    dice = random.Random(2042)  # noqa: S311  # no secret; its own, so that the other stories stay as they are
    service = TokenService(
        "skylark-mobile", secrets.token_bytes(32), parse_limit("30/minute"), parse_limit("5/minute")
    )
    at = firm.day(FIRST_DAY)
    while True:
        yield at
        request = _request(dice)
        record_phone_tokens([(service, request)])
        while dice.random() < ASKED_AGAIN:
            yield firm.timeline.later(seconds=dice.uniform(95, 240))
            record_phone_tokens([(service, request)])
        at = firm.timeline.later(minutes=dice.expovariate(1 / MINUTES_BETWEEN))


def _request(dice: random.Random) -> Request:
    """Under the backend's own number of the sign-up, or under an id like one that the portal makes."""
    prefix, digits = dice.choice(list(NUMBERS.items()))
    number = parse_phone_number(f"{prefix}{dice.randrange(10**digits):0{digits}}")
    assert number is not None
    named = f"signup-{dice.randrange(20_000, 90_000)}"
    made = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    return Request(number, dice.choice([named, made]), BACKEND)


def called_back(firm: Firm, day: float) -> Story:
    """A sign-up went wrong, and support looks up whom to call."""
    yield firm.day(day)
    show_numbers(firm.as_support(), list(PhoneToken.objects.order_by("-id")[:1]))
