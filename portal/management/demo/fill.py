"""Filling an empty database with the demo's month, in one transaction."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction

from portal.core.actor import SYSTEM
from portal.core.clock import now, set_clock
from portal.management.demo.backdate import date_as_logged
from portal.management.demo.busy_days import make_days_busy
from portal.management.demo.companies import COMPANIES, FREE, OFFERS, SHOWN
from portal.management.demo.firm import DAYS, found_firm
from portal.management.demo.phone_stories import phone_stories
from portal.management.demo.portal_stories import portal_stories
from portal.management.demo.stories import (
    company_story,
    nights_story,
    people_change_story,
    plans_story,
    signing_key_story,
    troubles,
)
from portal.management.demo.timeline import Timeline
from portal.models import Customer, IssuedKey, Membership, Plan, User
from portal.services.plans import create_plan, update_plan
from portal.services.users import create_staff
from portal.services.uses import uses
from provisioning.secret import Secret

BEFORE = timedelta(days=DAYS + 2)
"""A portal with demo data was installed so long ago."""
MARK = "harbourlight-2041"
"""The external id of the first customer: where it is, the demo is."""


def is_filled() -> bool:
    return Customer.objects.filter(external_id=MARK).exists()


def data_held() -> str:
    """What the database holds of somebody's own: ``customers: 1, users: 2``, or nothing."""
    found = {
        "customers": Customer.objects.count(),
        "users": User.objects.filter(is_staff=False).count(),
        "keys": IssuedKey.objects.count(),
        "plans": Plan.objects.exclude(slug=Plan.DEFAULT).count(),
    }
    return ", ".join(f"{noun}: {number}" for noun, number in found.items() if number)


def the_owner() -> User | None:
    """As whom a visitor may sign in to a customer's pages; None when the demo's users removed them."""
    first = Membership.objects.filter(customer__external_id=MARK).order_by("id").first()
    return first.user if first else None


def fill(password: Secret, *, staff: str | None) -> None:
    """Tell the month, all of it or, when it fails, nothing.

    The password is that of ``the_owner`` and of a new staff account with the address ``staff``.
    """
    with transaction.atomic(), _quiet():
        ends_at = now()
        timeline = Timeline(ends_at - timedelta(days=DAYS), ends_at)
        set_clock(lambda: timeline.at)
        try:
            firm = found_firm(timeline)
            _offers()
            for number, company in enumerate(COMPANIES):
                timeline.begin(company_story(firm, company, number))
            for story in (
                plans_story(firm), signing_key_story(firm), people_change_story(firm, SHOWN),
                *troubles(firm), *portal_stories(firm, SHOWN), *phone_stories(firm), nights_story(firm),
            ):  # fmt: skip
                timeline.begin(story)
            timeline.run()
            uses.flush()
        finally:
            set_clock(None)
        date_as_logged(firm.dice, ends_at)
        make_days_busy(firm.dice, ends_at)
        owner = the_owner()
        assert owner is not None
        owner.set_password(password.reveal())
        owner.save(update_fields=["password"])
        if staff is not None:
            create_staff(staff, password)


def _offers() -> None:
    default = Plan.objects.get(slug=Plan.DEFAULT)
    for offer in (FREE, *OFFERS):
        values = {
            "name": offer.name, "description": offer.description,
            "max_keys": offer.max_keys, "max_lifetime": offer.max_lifetime, "scopes": list(offer.scopes),
        }  # fmt: skip
        if offer is FREE:
            update_plan(SYSTEM, default.pk, values)
        else:
            create_plan(SYSTEM, slug=offer.slug, requires_subscription=True, **values)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without a line of log for each of some hundred operations."""
    log = logging.getLogger("portal")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
