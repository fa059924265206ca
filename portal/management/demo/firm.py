"""The company that runs the demo's portal: its people, its billing system, and its dice."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.core.actor import SYSTEM, Actor
from portal.management.demo.timeline import Timeline
from portal.models import ManagementToken, User
from portal.services.access_tokens import create_access_token
from portal.services.actors import actor_of_token, actor_of_user
from portal.services.users import create_user

DAYS = 30
BILLING_SCOPES = ("customers:read", "customers:write", "plans:read")


@dataclass
class Firm:
    timeline: Timeline
    support: User
    operations: User
    token: ManagementToken
    dice: random.Random

    def day(self, number: float) -> datetime:
        """An instant of the month, in days since it began."""
        return self.timeline.ends_at - timedelta(days=DAYS - number)

    def soon(self, least: float, most: float) -> datetime:
        """An instant so many minutes ahead."""
        return self.timeline.later(minutes=self.dice.uniform(least, most))

    def as_support(self) -> Actor:
        return actor_of_user(self.support)

    def billing(self) -> Actor:
        """The script that tells the portal of customers and their subscriptions."""
        return actor_of_token(self.token)


def found_firm(timeline: Timeline) -> Firm:
    """Its two colleagues can't sign in: they have no password. The dice fall the same each time."""
    support, operations = (
        create_user(
            SYSTEM, email=f"{name.lower()}@staff.example", name=f"{name} {rest}", is_staff=True,
            is_superuser=True,
        )
        for name, rest in (("Rosa", "Lindqvist"), ("Emeka", "Obi"))
    )  # fmt: skip
    token, _ = create_access_token(SYSTEM, owner=operations, scopes=BILLING_SCOPES, name="billing sync")
    return Firm(timeline, support, operations, token, random.Random(1042))  # noqa: S311  # no secret
