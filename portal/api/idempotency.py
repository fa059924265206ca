"""The ``Idempotency-Key`` header in front of a change."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Protocol

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.problems import problem_of
from portal.core.actor import Actor
from portal.core.errors import Conflict, Gone, Invalid, Malformed, NotFound, PortalError
from portal.core.failpoints import failpoint
from portal.jobs.run import resume, run_inline, wait_for
from portal.models import IdempotencyRecord, Operation
from portal.services import idempotency
from portal.services.idempotency import Answer

_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_REMEMBERED = (Conflict, Invalid, NotFound, Gone)


class Work(Protocol):
    """What follows a change that inserted an operation."""

    wait_seconds: float
    """How long to wait for what a worker has to do."""

    def answer(self, operation: Operation) -> Answer:
        """Tell what came out. Commits together with the record, so it may reveal a secret."""


def answer_once(request: Request, actor: Actor, change: Callable[[], Answer]) -> Response:
    """Answer a POST whose change runs in one transaction; a repeat is answered the same way."""
    repeatable = _repeatable(request, actor)
    if repeatable is None:
        return _response(change())
    _, known, _ = _begin(repeatable, change)
    assert known is not None  # stored in the transaction of the change
    return _response(_shown_to(actor, known))


def work_once(request: Request, actor: Actor, change: Callable[[], Operation], work: Work) -> Response:
    """Answer a POST that starts an operation; a repeat gets the same answer, or takes it over."""
    repeatable = _repeatable(request, actor)
    if repeatable is None:
        begun = change()
        _carry_on(begun, work, resumed=False)
        return _response(work.answer(begun))
    record, known, began = _begin(repeatable, change)
    if known is not None:
        return _response(_shown_to(actor, known))
    operation = record.operation
    assert operation is not None  # set together with the record
    failpoint("change.committed")
    try:
        _carry_on(operation, work, resumed=not began)
        answer = idempotency.complete(record, lambda: work.answer(operation))
        failpoint("answer.stored")
        return _response(answer)
    finally:
        idempotency.release(record)


def _carry_on(operation: Operation, work: Work, *, resumed: bool) -> None:
    """Run the operation as far as it runs here, with no transaction open; ``resumed`` after a crash."""
    if resumed:
        resume(operation)
    else:
        run_inline(operation)
    if work.wait_seconds:
        wait_for(operation.pk, seconds=work.wait_seconds)


def _begin(
    request: idempotency.Request, change: Callable[[], Answer | Operation]
) -> tuple[IdempotencyRecord, Answer | None, bool]:
    """The record, its answer if known, and whether this request is the one that made the change."""
    began: list[bool] = []

    def changed() -> Answer | Operation:
        began.append(True)
        return change()

    try:
        record, known = idempotency.begin(request, changed)
    except _REMEMBERED as exc:
        if began:
            idempotency.remember_refusal(request, _refusal(exc))
        raise
    return record, known, bool(began)


def _repeatable(request: Request, actor: Actor) -> idempotency.Request | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Malformed("invalid_idempotency_key", "Idempotency-Key must be 1 to 255 ASCII characters.")
    return idempotency.Request(
        caller=actor.identity,
        method=request.method or "",
        path=request.path[:255],
        key=key,
        body_digest=_digest(request.data),
    )


def _shown_to(actor: Actor, answer: Answer) -> Answer:
    """The answer, without its secret for a browser whose sign-in is not recent any more."""
    if actor.recent_sign_in or not isinstance(answer.body, dict):
        return answer
    body = {name: value for name, value in answer.body.items() if name not in ("secret", "token")}
    return Answer(answer.status, body, answer.headers)


def _refusal(error: PortalError) -> Answer:
    body = problem_of(error)
    return Answer(body["status"], body, {"Content-Type": "application/problem+json"})


def _response(answer: Answer) -> Response:
    headers = dict(answer.headers)
    content_type = headers.pop("Content-Type", None)
    return Response(answer.body, status=answer.status, headers=headers, content_type=content_type)


def _digest(body: object) -> str:
    """SHA-256 of the body as canonical JSON: white space and member order don't count."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
