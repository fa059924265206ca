"""The table's rows: what is wrong in each round besides the kills."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.fakes.auth0.process import ALL, TEN_SCOPES
from tests.faults.stack import Stack
from tests.faults.weather import (
    PROVIDER,
    an_hour_passes,
    clock_steps,
    database_away,
    disk_full,
    fine,
    minutes_later,
    nothing,
    person_at_work,
)

Disturbance = Callable[[Stack], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """``provider`` names the providers' fault; the rest is what else is different."""

    name: str
    provider: str = "kills alone"
    disturbance: Disturbance = fine
    afterwards: Callable[[Stack], None] = nothing
    """What happens when everything is dead and the faults are over."""
    freeze: bool = False
    scopes: tuple[str, ...] = ALL
    """What the portal may do at Auth0."""
    calm_seconds: float = 0
    """So long nobody is killed at first, and nothing may come before ``Retry-After`` is over: who is
    killed with a 429 in hand can't tell the others."""
    most_seconds: float = 1800
    """The load ends then, however few died."""


EVERYTHING = Fault("all of the provider's", "all of the provider's")
TEN_PERMISSIONS = Fault(
    "ten permissions", "dropped connections", disturbance=person_at_work, scopes=TEN_SCOPES
)
FAULTS = [
    *(Fault(name, name) for name in PROVIDER if name not in ("90 % answered 429", "down")),
    Fault("90 % answered 429", "90 % answered 429", calm_seconds=25, afterwards=minutes_later),
    Fault(
        "provider down for 1 h", "down",
        disturbance=an_hour_passes, afterwards=minutes_later, most_seconds=120,
    ),
    TEN_PERMISSIONS,
    Fault("database away 30 s", disturbance=database_away),
    Fault("disk full", disturbance=disk_full),
    Fault("clock steps of 1 h", disturbance=clock_steps),
    Fault("frozen workers", freeze=True),
]  # fmt: skip
