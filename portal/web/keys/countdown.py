"""How long something has left: written by the server, and carried on by ``countdown.js``."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from portal.core.clock import now

FORMS: dict[str, str | Promise] = {
    "days": gettext_lazy("in {days} d {hours} h"),
    "hours": gettext_lazy("in {hours} h {minutes} min"),
    "minutes": gettext_lazy("in {minutes} min"),
    "soon": gettext_lazy("in less than a minute"),
    "over": gettext_lazy("now"),
}
"""The browser is given these, so that it counts in the reader's language."""


@dataclass(frozen=True)
class Countdown:
    until: datetime
    left: timedelta

    @property
    def seconds(self) -> int:
        """Whole seconds left: a browser whose clock is wrong counts down from here."""
        return max(0, int(self.left.total_seconds()))

    @property
    def words(self) -> str:
        """``in 3 h 12 min``: two units at most."""
        minutes = self.seconds // 60
        days, hours = minutes // 1440, minutes // 60
        name = "days" if days else "hours" if hours else "minutes" if minutes else "soon"
        form = str(FORMS[name if self.seconds else "over"])
        return form.format(days=days, hours=hours % 24, minutes=minutes % 60)

    @property
    def forms(self) -> dict[str, str | Promise]:
        return FORMS


def countdown_to(until: datetime | None) -> Countdown | None:
    """None without an instant, and once it is past."""
    if until is None or until <= now():
        return None
    return Countdown(until, until - now())
