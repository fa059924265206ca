"""Requests as a careful client sends them: each is repeated until it is answered."""

import http.client
import threading
import time
from typing import Any
from uuid import uuid4

from tests.real.http_calls import Answer
from tests.real.portal import Portal

PATIENCE_SECONDS = 150
"""Longer than any outage that the campaign makes."""
REPEAT_AFTER_SECONDS = 0.2
IN_PROGRESS = b'"idempotency_in_progress"'


class Unanswered(Exception):
    """The portal gave no answer for as long as a client can be asked to wait."""


class Stopped(Exception):
    """The load ends: what has no answer yet gets none, and nothing was promised."""


class Caller:
    """Calls the API of one portal until ``stopping``; a POST carries an Idempotency-Key."""

    def __init__(self, portal: Portal, stopping: threading.Event) -> None:
        self._portal = portal
        self._stopping = stopping

    def post(self, path: str, body: Any, *, wait_seconds: int = 0) -> Answer:
        """The answer: 2xx or 4xx. Raises ``Unanswered`` and ``Stopped``."""
        return self._until_answered(
            "POST", path, body, idempotency_key=uuid4().hex, prefer=f"wait={wait_seconds}"
        )

    def get(self, path: str) -> Any:
        """The JSON of the answer, which has to be 200."""
        answer = self._until_answered("GET", path, None)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json()

    def _until_answered(self, method: str, path: str, body: Any, **headers: str) -> Answer:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self._portal.api(method, path, body, **headers)
                if answer.status < 500 and answer.status != 429 and IN_PROGRESS not in answer.body:
                    return answer
            except (OSError, http.client.HTTPException):
                pass  # killed before it answered, or not there yet
            if self._stopping.wait(REPEAT_AFTER_SECONDS):
                raise Stopped
        raise Unanswered(f"{method} {path}")
