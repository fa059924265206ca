"""Verifications by day as busy gateways would have asked for them: the stories tell but a few."""

import random
from datetime import date, datetime, timedelta

from portal.models import Customer, DailyUse

WEEKEND = 0.35
LEAST, MOST = 150, 2_400
"""Checks on a working day, a key."""


def make_days_busy(dice: random.Random, ends_at: datetime) -> None:
    """From each customer's first use on, less at weekends, and today as far as the day has come."""
    used = Customer.objects.filter(daily_uses__isnull=False).distinct().order_by("pk")
    for customer in used.prefetch_related("daily_uses", "keys"):
        first = min(use.day for use in customer.daily_uses.all())
        usual = len(customer.keys.all()) * dice.uniform(LEAST, MOST)
        days = [first + timedelta(days=n) for n in range((ends_at.date() - first).days + 1)]
        DailyUse.objects.filter(customer=customer).delete()
        DailyUse.objects.bulk_create(
            DailyUse(customer=customer, day=day, verifications=round(usual * _share(day, ends_at, dice)))
            for day in days
        )


def _share(day: date, ends_at: datetime, dice: random.Random) -> float:
    passed = (ends_at.hour + 1) / 24 if day == ends_at.date() else 1.0
    return dice.uniform(0.8, 1.2) * passed * (WEEKEND if day.weekday() > 4 else 1.0)
