"""``Idempotency-Key``: a change and the record of its answer commit together.

A record without an answer belongs to a request that is running, or that died: then a repeat
takes it over and finishes its operation instead of beginning another.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.core.clock import now
from portal.core.errors import Conflict, Invalid
from portal.core.process import is_gone, this_process
from portal.core.sealing import seal, unseal
from portal.models import IdempotencyRecord, Operation
from provisioning.secret import Secret

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=60)


@dataclass(frozen=True)
class Answer:
    """What a request is answered with; ``body`` may hold a secret, so it is kept sealed."""

    status: int
    body: object = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A request as far as repeating it goes."""

    caller: str
    method: str
    path: str
    key: str
    body_digest: str


class _Taken(Exception):
    """Another request stored this record first."""


def begin(
    request: Request, change: Callable[[], Answer | Operation]
) -> tuple[IdempotencyRecord, Answer | None]:
    """Run ``change`` unless the request is a repeat; returns its record and, if known, its answer.

    Without an answer the record's operation has to be carried on with and ``complete`` called.
    Raises ``Conflict`` while the first is running, ``Invalid`` for another body.
    """
    record = _find(request)
    if record is None:
        try:
            return _first(request, change)
        except _Taken:
            record = _find(request)
    if record is None:
        raise _running()
    return _repeat(record, request)


def _find(request: Request) -> IdempotencyRecord | None:
    record = IdempotencyRecord.objects.filter(
        caller=request.caller, method=request.method, path=request.path, key=request.key
    ).first()
    if record is not None and record.created_at + KEPT <= now():
        record.delete()
        return None
    return record


def _first(
    request: Request, change: Callable[[], Answer | Operation]
) -> tuple[IdempotencyRecord, Answer | None]:
    with transaction.atomic():
        record = _insert(request)
        done = change()
        if isinstance(done, Answer):
            _store(record, done)
            return record, done
        record.operation = done
        record.save(update_fields=["operation"])
    return record, None


def _insert(request: Request) -> IdempotencyRecord:
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(
                caller=request.caller, method=request.method, path=request.path, key=request.key,
                body_digest=request.body_digest, owner=this_process(), lease_until=now() + LEASE,
            )  # fmt: skip
    except IntegrityError as exc:
        raise _Taken from exc


def _repeat(record: IdempotencyRecord, request: Request) -> tuple[IdempotencyRecord, Answer | None]:
    if record.body_digest != request.body_digest:
        raise Invalid(
            "idempotency_mismatch",
            _("This Idempotency-Key was used with another body. Use a new key for a new request."),
        )
    if record.status is not None:
        return record, _stored(record)
    taken = IdempotencyRecord.objects.filter(
        pk=record.pk, status=None, owner=record.owner, lease_until=record.lease_until
    )
    alive = record.lease_until > now() and not is_gone(record.owner)
    if alive or not taken.update(owner=this_process(), lease_until=now() + LEASE):
        raise _running()
    record.refresh_from_db()
    return record, None


def complete(record: IdempotencyRecord, answer: Callable[[], Answer]) -> Answer:
    """Compute the answer and store it in one transaction, unless it is known meanwhile."""
    with transaction.atomic():
        locked = IdempotencyRecord.objects.select_for_update(no_key=True).get(pk=record.pk)
        if locked.status is not None:
            return _stored(locked)
        found = answer()
        _store(locked, found)
    return found


def remember_refusal(request: Request, answer: Answer) -> None:
    """Keep a refusal (4xx), so that a repeat is refused alike."""
    with transaction.atomic():
        try:
            _store(_insert(request), answer)
        except _Taken:
            return


def release(record: IdempotencyRecord) -> None:
    """Let the next repeat take over at once: this one ended without an answer."""
    IdempotencyRecord.objects.filter(pk=record.pk, status=None).update(lease_until=now())


def _store(record: IdempotencyRecord, answer: Answer) -> None:
    record.status = answer.status
    record.sealed_answer = seal(Secret(json.dumps([answer.body, answer.headers])))
    record.save(update_fields=["status", "sealed_answer"])


def _stored(record: IdempotencyRecord) -> Answer:
    assert record.status is not None
    body, headers = json.loads(unseal(record.sealed_answer).reveal())
    return Answer(record.status, body, headers)


def _running() -> Conflict:
    return Conflict(
        "idempotency_in_progress",
        _("The first request with this Idempotency-Key is still running. Repeat it in a moment."),
    )
