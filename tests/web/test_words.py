from datetime import timedelta

import pytest

from portal.web.words import exact_span, from_now
from tests.conftest import Clock


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=29, hours=23, minutes=59), "in 30 days"),
        (timedelta(days=90), "in 90 days"),
        (timedelta(days=730), "in 2 years"),
        (timedelta(hours=24), "in 24 hours"),
        (timedelta(minutes=90), "in 90 minutes"),
        (timedelta(seconds=30), "in a moment"),
        (timedelta(seconds=-30), "just now"),
        (timedelta(seconds=-65), "1 minute ago"),
        (timedelta(seconds=-118), "2 minutes ago"),
        (timedelta(hours=-3), "3 hours ago"),
    ],
)
def test_instants_are_told_from_now(clock: Clock, span: timedelta, words: str) -> None:
    assert from_now(clock.at + span) == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(days=30), "30 days"),
        (timedelta(days=365), "1 year"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(seconds=90), "90 seconds"),
    ],
)
def test_spans_are_told_exactly(span: timedelta, words: str) -> None:
    assert exact_span(span) == words
