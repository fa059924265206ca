"""Browsers from which people signed in before, and telling them of one that is new."""

import hashlib
import re
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.core.clock import now
from portal.core.ids import random_base62
from portal.models import KnownDevice, Notice, User
from portal.services.telling import tell_user

FORGOTTEN_AFTER = timedelta(days=365)
_TOKEN = re.compile(r"[0-9A-Za-z]{43}")


def recognise_device(user: User, token: str, *, browser: str, address: str) -> str:
    """Note a sign-in from the browser that holds ``token``; tell the user of one that is new to them.

    Nobody is told of an account's very first sign-in. Returns what the browser shall hold from now on.
    """
    if not _TOKEN.fullmatch(token):
        token = random_base62(43)
    digest = hashlib.sha256(token.encode()).hexdigest()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # one sign-in of theirs after the other
        known = KnownDevice.objects.filter(user=user)
        if not known.filter(digest=digest).update(last_seen_at=now()):
            is_first = not known.exists()
            KnownDevice.objects.create(user=user, digest=digest)
            if not is_first:
                tell_user(
                    user, Notice.Kind.NEW_DEVICE, browser=browser, address=address, at=now().isoformat()
                )
    return token


def forgotten_devices() -> "QuerySet[KnownDevice]":
    """Those unused for a year, but for a person's latest: without any, the next would pass for the first."""
    later = Q(last_seen_at__gt=OuterRef("last_seen_at")) | Q(
        last_seen_at=OuterRef("last_seen_at"), pk__gt=OuterRef("pk")
    )
    newer = KnownDevice.objects.filter(later, user=OuterRef("user"))
    return KnownDevice.objects.filter(Exists(newer), last_seen_at__lt=now() - FORGOTTEN_AFTER)
