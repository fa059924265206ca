"""Durations in settings and requests."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokens.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(days=14)),
        ("1y", timedelta(days=365)),
        ("2 days", timedelta(days=2)),
        ("1 hour", timedelta(hours=1)),
        ("10 minutes", timedelta(minutes=10)),
        ("1 Week", timedelta(days=7)),
        ("3 mins", timedelta(minutes=3)),
        ("3min", timedelta(minutes=3)),
        ("5 sec", timedelta(seconds=5)),
        ("5secs", timedelta(seconds=5)),
        ("2 hrs", timedelta(hours=2)),
        ("1 yr", timedelta(days=365)),
        ("100 years", timedelta(days=36500)),
        (" 30D\n", timedelta(days=30)),
        ("3600", timedelta(hours=1)),
        (3600, timedelta(hours=1)),
    ],
)
def test_shorthand_long_names_and_seconds_are_read(text: str | int, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "s", "d30", "30x", "30 fortnights", "1mo", "500ms", "1.5h", "1,5h", "1e3", "1_000", "-5m", "+5m",
        -1, 0, "0", "0d", True, False, None, 1.5, b"30d", "30d 12h", "30d;", "30d\0", "\0", "\x0030d", "٣٠d",
        "30 wee\u212as", "30\u00a0d", "９0s", "101y", "100y1", 36501 * 86400, 10**30, "9" * 12, "9" * 5000, "1" + " " * 5000 + "x",
        "nan", "inf",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_a_sentence(value: object) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        parse_duration(value)  # type: ignore[arg-type]


def test_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(ValueError, match="duration") as refusal:
        parse_duration("hunter2")

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(days=30), "30d"),
        (timedelta(seconds=90), "90s"),
        (timedelta(hours=24), "1d"),
        (timedelta(hours=36), "36h"),
        (timedelta(days=14), "2w"),
        (timedelta(days=365), "1y"),
        (timedelta(minutes=60), "1h"),
    ],
)
def test_shorthand_is_the_shortest_exact_one(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@pytest.mark.parametrize("duration", [timedelta(), timedelta(seconds=-60), timedelta(milliseconds=1500)])
def test_what_has_no_shorthand_is_refused(duration: timedelta) -> None:
    with pytest.raises(ValueError, match="shorthand"):
        format_duration(duration)


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=100 * 365 * 86400))
def test_shorthand_is_read_back_exactly(seconds: int) -> None:
    duration = timedelta(seconds=seconds)

    assert parse_duration(format_duration(duration)) == duration


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        duration = parse_duration(text)
    except ValueError:
        return
    assert timedelta() < duration <= timedelta(days=36500)
