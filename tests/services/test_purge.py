from datetime import timedelta
from io import StringIO

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection

from portal.core.stopping import stopping
from portal.models import (
    AdmissionCount,
    AdmissionSlot,
    Call,
    DailyUse,
    IdempotencyRecord,
    Invitation,
    IssuedKey,
    KnownDevice,
    Membership,
    Notice,
    Operation,
    PhoneToken,
    WorkerSeen,
)
from portal.services.purge import INVITATIONS_KEPT, KINDS, purge
from tests.conftest import Clock
from tests.factories import PhoneTokenFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def old_and_new(owner: Membership, clock: Clock) -> None:
    """Of each kind one thing that is past its retention and one that isn't, but for audit entries."""
    for number, age in enumerate((timedelta(hours=24), timedelta(hours=23))):
        IdempotencyRecord.objects.create(
            caller="c", method="POST", path="/keys", key=str(number), body_digest="d", owner="o",
            lease_until=clock(), created_at=clock() - age,
        )  # fmt: skip
    for number, left in enumerate((-1, 1)):
        Session.objects.create(
            session_key=f"session{number}", session_data="", expire_date=clock() + timedelta(minutes=left)
        )
        UserSession.objects.create(user=owner.user, session_key=f"session{number}", ip="192.0.2.1")
    for age in (timedelta(days=366), timedelta(days=364)):
        KnownDevice.objects.create(user=owner.user, digest=str(age.days), last_seen_at=clock() - age)
    table = connection.ops.quote_name(settings.CACHES["default"]["LOCATION"])
    for number, left in enumerate((-1, 1)):
        expires = connection.ops.adapt_datetimefield_value(clock() + timedelta(minutes=left))
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} VALUES (%s, 'x', %s)", [f"purged {number}", expires])
    for age in (INVITATIONS_KEPT, INVITATIONS_KEPT - timedelta(days=1)):
        Invitation.objects.create(
            customer=owner.customer, email=f"{age.days}@example.com", expires_at=clock() - age
        )
    for status in ("expired", "requested"):
        key = IssuedKey.objects.create(customer=owner.customer, name="k", plugin="jwt", status=status)
        Notice.objects.create(key=key, kind="expires_7d", sent_at=clock())
    for state, done in (("succeeded", clock()), ("needs_attention", None)):
        operation = Operation.objects.create(
            kind="issue_key", plugin="jwt", customer=owner.customer, state=state, finished_at=done
        )
        Call.objects.create(scope=operation.public_id, step="secret", sealed_secret="sealed")
    for name, age in (("silent", timedelta(hours=2)), ("alive", timedelta(minutes=1))):
        WorkerSeen.objects.create(process=name, seen_at=clock() - age)
    for days in (401, 400):
        DailyUse.objects.create(customer=owner.customer, day=(clock() - timedelta(days=days)).date())
    for age in (timedelta(days=31), timedelta(days=29)):
        PhoneTokenFactory(issued_at=clock() - age)
    for subject, left in (("long ago", -61), ("just now", 1)):
        free_at = clock().timestamp() + left
        AdmissionCount.objects.create(subject=subject, number=1, free_at=free_at)
        AdmissionSlot.objects.create(subject=subject, slot=1, free_at=free_at)


def one_of_each() -> dict[str, int]:
    return {**dict.fromkeys(KINDS, 1), "audit entries": 0}


@pytest.mark.usefixtures("old_and_new")
def test_what_is_past_its_retention_goes_and_the_rest_stays() -> None:
    assert purge() == one_of_each()
    assert IdempotencyRecord.objects.get().key == "1"
    assert Session.objects.get().session_key == "session1"
    assert Notice.objects.get().key.status == "requested"
    kept = Call.objects.exclude(sealed_secret="").get()
    assert Operation.objects.get(public_id=kept.scope).state == "needs_attention"
    assert Call.objects.count() == 2
    assert WorkerSeen.objects.get().process == "alive"
    assert UserSession.objects.get().session_key == "session1"
    assert KnownDevice.objects.get().digest == "364"
    assert DailyUse.objects.count() == PhoneToken.objects.count() == 1
    assert AdmissionCount.objects.get().subject == AdmissionSlot.objects.get().subject == "just now"
    assert set(purge().values()) == {0}


@pytest.mark.usefixtures("old_and_new")
def test_a_dry_run_counts_and_erases_nothing() -> None:
    assert purge(dry_run=True) == one_of_each()
    assert purge() == one_of_each()


@pytest.mark.usefixtures("old_and_new")
def test_it_stops_between_two_transactions_when_told_to() -> None:
    stopping.set()
    try:
        assert set(purge().values()) == {0}
    finally:
        stopping.clear()


@pytest.mark.usefixtures("old_and_new")
def test_the_command_prints_a_count_a_kind() -> None:
    def shown(*options: str) -> list[str]:
        out = StringIO()
        call_command("purge", *options, stdout=out)
        return out.getvalue().splitlines()

    assert "sessions: 1 to erase" in shown("--dry-run")
    assert "sessions: 1 erased" in shown()
    assert "sessions: 0 erased" in shown()


def test_a_batch_is_not_the_end(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.services.purge.BATCH", 2)
    for number in range(5):
        WorkerSeen.objects.create(process=str(number), seen_at=clock() - timedelta(hours=2))
    assert purge()["silent workers"] == 5


def test_live_cache_entries_are_still_there() -> None:
    cache.set("kept", "value", 3600)
    purge()
    assert cache.get("kept") == "value"


def test_a_cache_elsewhere_is_not_ours_to_purge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        settings.CACHES, "default", {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": ""}
    )
    assert purge()["cache entries"] == 0


def test_what_was_told_is_kept_for_a_while_and_a_welcome_for_good(owner: Membership, clock: Clock) -> None:
    told = [Notice.objects.create(user=owner.user, kind=kind) for kind in ("new_device", "welcome")]
    untold = Notice.objects.create(customer=owner.customer, kind="plan_declined")
    Notice.objects.filter(pk__in=[one.pk for one in told]).update(sent_at=clock())
    Notice.objects.update(created_at=clock())
    clock.advance(days=30, seconds=-1)
    assert purge()["notices"] == 0
    clock.advance(seconds=1)
    assert purge()["notices"] == 2
    assert list(Notice.objects.values_list("kind", flat=True)) == ["welcome"]
    assert not Notice.objects.filter(pk=untold.pk).exists()


def test_the_end_of_a_key_is_not_purged_before_it_was_told(owner: Membership, clock: Clock) -> None:
    key = IssuedKey.objects.create(
        customer=owner.customer, name="k", plugin="jwt", status="revoked", revoked_at=clock()
    )
    Notice.objects.create(key=key, kind="key_revoked", created_at=clock())
    assert purge()["notices"] == 0
    Notice.objects.update(sent_at=clock())
    assert purge()["notices"] == 1
