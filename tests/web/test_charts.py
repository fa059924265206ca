from datetime import date, timedelta

import pytest

from portal.web.charts import HEIGHT, WIDTH, bar_chart

UNTIL = date(2026, 3, 10)


def test_every_day_has_a_bar_and_days_without_a_number_count_nothing() -> None:
    chart = bar_chart(
        "c", "Keys", {UNTIL: 3, date(2026, 3, 8): 1, date(2020, 1, 1): 99}, until=UNTIL, days=30
    )
    assert [bar.day for bar in chart.bars] == [UNTIL - timedelta(days=29 - n) for n in range(30)]
    assert [bar.number for bar in chart.bars[-3:]] == ["1", "0", "3"]
    assert chart.total == 4
    assert chart.highest.words == "10 Mar: 3"


@pytest.mark.parametrize(
    ("most", "top"),
    [
        (0, 2),
        (1, 2),
        (2, 2),
        (3, 4),
        (5, 6),
        (10, 10),
        (11, 20),
        (61, 80),
        (99, 100),
        (101, 200),
        (12_345, 20_000),
    ],
)
def test_the_scale_is_round_and_its_half_whole(most: int, top: int) -> None:
    chart = bar_chart("c", "Keys", {UNTIL: most}, until=UNTIL, days=30)
    assert chart.top == top
    assert chart.top >= most
    assert chart.top % 2 == 0


def test_bars_stay_within_the_picture_and_small_ones_visible() -> None:
    chart = bar_chart("c", "Keys", {UNTIL: 1_000_000, UNTIL - timedelta(days=1): 1}, until=UNTIL, days=30)
    for bar in chart.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH
        assert bar.y + bar.height == HEIGHT
    assert chart.bars[-1].height == HEIGHT
    assert chart.bars[-2].height > 0
    assert chart.bars[-3].height == 0
    assert chart.total_words == "1,000,001"
