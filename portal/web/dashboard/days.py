"""Keys issued and keys verified, by day."""

from datetime import UTC, date, timedelta

from django.db.models import BigIntegerField, Count, F, Subquery, Value
from django.db.models.functions import TruncDate
from django.utils.timezone import get_current_timezone, localdate
from django.utils.translation import gettext_lazy as _

from portal.core.clock import now
from portal.models import DailyUse
from portal.web.charts import Chart, bar_chart
from portal.web.dashboard.facts import keys_of
from portal.web.preferences import start_of_day
from portal.web.visits import Visit

DAYS = 30
MOST_KEYS = 10_000
"""The chart looks at so many of the newest keys: nobody issues more in a month by hand."""


def charts_of(visit: Visit) -> list[Chart]:
    """One query. Keys are counted on the reader's days, verifications, which are stored so, on UTC's."""
    today, today_utc = localdate(now()), now().astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    newest = keys_of(visit).order_by("-id").values("pk")[:MOST_KEYS]
    issued = (
        keys_of(visit)
        .filter(pk__in=Subquery(newest), activated_at__gte=start_of_day(first))
        .annotate(on=TruncDate("activated_at", tzinfo=get_current_timezone()))
        .values("on")
        .annotate(kind=Value("issued"), number=Count("pk", output_field=BigIntegerField()))
        .values_list("on", "kind", "number")
    )
    verified = (
        DailyUse.objects.filter(customer=visit.customer, day__gt=today_utc - timedelta(days=DAYS))
        .annotate(on=F("day"), kind=Value("verified"), number=F("verifications"))
        .values_list("on", "kind", "number")
    )
    numbers: dict[str, dict[date, int]] = {"issued": {}, "verified": {}}
    for on, kind, number in issued.union(verified, all=True):
        numbers[kind][on] = number
    return [
        bar_chart("issued", _("Keys issued"), numbers["issued"], until=today, days=DAYS),
        bar_chart("verified", _("Verifications"), numbers["verified"], until=today_utc, days=DAYS),
    ]
