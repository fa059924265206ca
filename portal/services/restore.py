"""Making a database safe that was restored from a backup: what was given since then is not known here."""

from dataclasses import dataclass

from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Max

from portal.core.actor import SYSTEM
from portal.core.clock import moment, now
from portal.core.plugins import registry
from portal.models import Call, IssuedKey, Operation, SigningKey, WorkerSeen
from portal.services.audit import Action, record
from portal.services.keys.activate import mark_key
from portal.services.operations.run import finish
from portal.services.signing_keys.rotate import may_activate_at, rotate_signing_key
from portal.services.signing_keys.sync import sync_signing_keys
from portal.services.status_lists import note_status_changes
from tokens.status_list import LIST_SIZE

NOT_ENDED = (*Operation.OPEN, Operation.State.NEEDS_ATTENTION)


@dataclass(frozen=True)
class Restored:
    """What was done, and what a person has to know."""

    first_list: int
    signing_key: SigningKey
    former_kid: str
    may_have_signed: bool
    """Whether the key that signs now may have signed in the time that was lost, too."""
    held: int
    sessions: int
    unrevealed: int


def make_safe() -> Restored:
    """Never give a status index twice, sign with another key, leave nothing half-done. May be repeated.

    Nothing else may run meanwhile. Reconciling with the providers comes after it.
    """
    sync_signing_keys()
    first = skip_status_lists()
    with transaction.atomic():
        former = SigningKey.objects.get(source="managed", state="active").kid
        staged = SigningKey.objects.get(source="managed", state="staged")
        # Old enough to have been promoted while nobody wrote it down.
        may_have_signed = may_activate_at(staged) <= now()
        active = rotate_signing_key(SYSTEM, force=True)
        sessions = Session.objects.count()
        Session.objects.all().delete()  # one may have been ended since, and nobody could tell
        WorkerSeen.objects.all().delete()
        record(SYSTEM, Action.RESTORED, "portal", first_status_list=first, sessions=sessions)
    return Restored(
        first_list=first, signing_key=active, former_kid=former, may_have_signed=may_have_signed,
        held=hold_open_operations(), sessions=sessions,
        unrevealed=IssuedKey.objects.filter(status="active").exclude(sealed_secret="").count(),
    )  # fmt: skip


def skip_status_lists() -> int:
    """Let the next key begin a status list that no key was ever in; returns that list's number.

    A key's place is its primary key. How many were given since the backup nobody knows, and a
    database may be restored from the same backup twice, with keys given in between. So the number
    comes from outside of the database: the seconds since 1970, which no earlier restore can have
    been given. They run ahead of lists that fill up by themselves: that takes a million keys a
    list. With a clock that is wrong two lists are skipped at least.
    """
    taken = max(_last_given(), IssuedKey.objects.aggregate(last=Max("pk"))["last"] or 0)
    number = max(taken // LIST_SIZE + 2, int(now().timestamp()))
    first = number * LIST_SIZE
    note_status_changes([first])  # so that the list exists before the first key is in it
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('portal_issuedkey', 'id'), %s, false)", [first]
            )
            return number
        cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = 'portal_issuedkey'", [first - 1])
        if not cursor.rowcount:
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES ('portal_issuedkey', %s)", [first - 1]
            )
    return number


def _last_given() -> int:
    """The sequence's own memory: keys that were deleted count too."""
    ask = "SELECT seq FROM sqlite_sequence WHERE name = 'portal_issuedkey'"
    if connection.vendor == "postgresql":
        ask = "SELECT pg_sequence_last_value(pg_get_serial_sequence('portal_issuedkey', 'id')::regclass)"
    with connection.cursor() as cursor:
        cursor.execute(ask)
        row = cursor.fetchone()
    return int(row[0] or 0) if row else 0


def hold_open_operations() -> int:
    """Leave to a person what may have been done at a provider since the backup; returns how many.

    Going on would create a second credential or account. Revocations go on: repeating one is
    harmless. So do local plugins: nothing of theirs is anywhere else.
    """
    kinds = (Operation.Kind.ISSUE_KEY, Operation.Kind.PROVISION)
    waiting = Operation.objects.filter(state__in=NOT_ENDED, kind__in=kinds).exclude(error_code="restored")
    local = [slug for slug in registry().slugs if registry().get(slug).local]
    return sum(_hold(pk) for pk in waiting.exclude(plugin__in=local).values_list("pk", flat=True))


def _hold(pk: int) -> bool:
    with transaction.atomic():
        operation = (
            Operation.objects.select_for_update(of=("self",), no_key=True)
            .select_related("customer")
            .filter(pk=pk, state__in=NOT_ENDED)
            .first()
        )
        if operation is None:
            return False
        at = moment()
        # So that going on looks before it creates, and cancelling looks for what to remove.
        Call.objects.get_or_create(
            scope=operation.public_id, step=Call.RESTORED,
            defaults={"attempt_at": at.at, "attempt_boot": at.boot, "attempt_uptime": at.uptime},
        )  # fmt: skip
        operation.attempts = max(operation.attempts, 1)
        if operation.kind == Operation.Kind.ISSUE_KEY:
            mark_key(operation, "restored", IssuedKey.Status.NEEDS_ATTENTION)
        finish(
            operation, Operation.State.NEEDS_ATTENTION, "restored",
            "It was open when the backup was made and may have been done since. Cancel it, which removes "
            "what exists, and ask again.",
        )  # fmt: skip
    return True
