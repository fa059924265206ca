"""A form that makes something makes one of it, however often it is sent."""

import hashlib
import json
from collections.abc import Callable, Mapping

from portal.core.actor import Actor
from portal.core.ids import random_base62
from portal.jobs.run import run_inline, wait_for
from portal.models import Operation
from portal.services import idempotency
from portal.services.idempotency import Answer

WAIT_SECONDS = 2


def new_form_token() -> str:
    """For a hidden field of each form that is shown."""
    return random_base62(22)


def once(
    actor: Actor, path: str, token: str, values: Mapping[str, object], change: Callable[[], str]
) -> tuple[str, bool]:
    """Run ``change`` unless the same form was sent before; returns what it made, and whether it did so now.

    The form's values count as part of its identity: going back, changing the name and sending
    it again asks for another one. Raises what ``change`` raises; then nothing is remembered.
    """
    digest = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
    request = idempotency.Request(
        caller=actor.identity, method="POST", path=path, key=f"form {token} {digest}", body_digest=digest
    )
    ran = False

    def changed() -> Answer:
        nonlocal ran
        made = change()
        ran = True
        return Answer(303, {"made": made})

    _, answer = idempotency.begin(request, changed)
    assert answer is not None
    assert isinstance(answer.body, dict)
    return str(answer.body["made"]), ran


def issue_once(
    actor: Actor, path: str, token: str, values: Mapping[str, object], change: Callable[[], Operation]
) -> str:
    """The same for a key: returns its public id once its operation ran or was waited for."""
    begun: list[Operation] = []

    def changed() -> str:
        operation = change()
        assert operation.key is not None
        begun.append(operation)
        return operation.key.public_id

    made, _ = once(actor, path, token, values, changed)
    for operation in begun:
        run_inline(operation)
        wait_for(operation.pk, seconds=WAIT_SECONDS)
    return made
