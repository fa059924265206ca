"""Asks one route as every caller and says what came of it, a letter a caller."""

import json
from typing import Any

from django.db import transaction
from django.test import Client

from tests.access.callers import CALLERS, MARK, OUTSIDERS, Scene

FORMS = ("/api/v1/introspect", "/api/v1/revoke")
"""Where the API takes forms (RFC 7662, RFC 7009)."""


def outcome(answer: Any) -> str:
    """``+`` served, ``-`` asked to sign in, ``x`` forbidden, ``?`` absent, ``0`` told to belong to no customer,
    ``r`` asked to confirm who it is, ``n`` no such method, ``!`` broken."""
    to = answer.headers.get("Location", "")
    if answer.status_code == 401 or "/login/?next=" in to:
        return "-"
    if "/reauthenticate/" in to:
        return "r"
    if any(template.name == "portal/no_customer.html" for template in getattr(answer, "templates", ())):
        return "0"
    if answer.status_code >= 500:
        return "!"
    return {403: "x", 404: "?", 405: "n"}.get(answer.status_code, "+")


def probe(scene: Scene, method: str, path: str, body: dict[str, Any]) -> str:
    """The letters of ``CALLERS``, in order. What a request changed is rolled back before the next."""
    return "".join(_asked(scene, caller, method, path, body) for caller in CALLERS)


def _asked(scene: Scene, caller: str, method: str, path: str, body: dict[str, Any]) -> str:
    client = scene.client(caller)
    with transaction.atomic():
        answer = _send(client, method, path, body)
        text = b"".join(answer) if answer.streaming else answer.content
        if caller in OUTSIDERS and not path.startswith("/invitations/"):  # which its link lets one read
            assert MARK.encode() not in text, f"{caller} reads names at {method} {path}"
        transaction.set_rollback(True)
    return outcome(answer)


def _send(client: Client, method: str, path: str, body: dict[str, Any]) -> Any:
    if path in FORMS and method == "POST":
        return client.post(path, body)
    if path.startswith("/api/v1/"):
        return client.generic(method, path, json.dumps(body) if body else b"", "application/json")
    return client.get(path, body) if method == "GET" else client.post(path, body)
