"""The other half of ``bench.admin``: reads labels of pages, answers each with its times as JSON."""

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

import django

django.setup()

# What follows needs the settings that the line above has read.
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from portal.core.actor import SYSTEM  # noqa: E402
from portal.core.scopes import SCOPES  # noqa: E402
from portal.models import AuditEvent, Customer, IssuedKey, Operation, Subscription, User  # noqa: E402
from portal.services.access_tokens import create_access_token  # noqa: E402
from portal.services.keys.expire import expire_keys  # noqa: E402

LISTS = (
    "customer", "user", "subscription", "plan", "issuedkey", "operation", "signingkey", "managementtoken",
    "auditevent", "membership",
)  # fmt: skip

DEEP = {"subscription": 40, "managementtoken": 35} | dict.fromkeys(
    ("customer", "user", "issuedkey", "operation", "auditevent", "membership"), 40
)
"""The deepest pages of 50 rows that both databases have and the admin shows."""


class Statements:
    """Wraps every statement of the connection and keeps the slowest since ``reset``."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.count, self.slowest, self.sql = 0, 0.0, ""

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            took = (time.perf_counter() - started) * 1000
            self.count += 1
            if took > self.slowest:
                self.slowest, self.sql = took, str(sql)


def paths() -> dict[str, str]:
    """Label and path of everything that is asked for."""
    customer = Customer.objects.filter(status="active", name__gt="").order_by("id")[25]
    heavy = Customer.objects.order_by("id")[1]
    user = User.objects.order_by("id")[25]
    key = IssuedKey.objects.filter(status="active").order_by("-id")[40]
    operation, event = Operation.objects.order_by("-id")[40], AuditEvent.objects.order_by("-id")[40]
    subscription = Subscription.objects.order_by("-id")[40]
    found = {"dashboard": reverse("admin:index")}

    def at(model: str, label: str, query: str) -> None:
        found[f"{model}: {label}"] = reverse(f"admin:portal_{model}_changelist") + f"?{query}"

    for model in LISTS:
        at(model, "first page", "")
        if deep := DEEP.get(model):
            at(model, f"page {deep}", f"p={deep}")
        if model not in ("plan", "signingkey", "membership"):
            at(model, "search without a match", "q=nothingatall")
            at(model, "search by name", f"q={customer.name.split()[0]}")
            at(model, "search by e-mail", f"q={user.email}")
            at(model, "search by beginning of e-mail", f"q={user.email[:3]}")
    for model, ids in {
        "customer": [customer.public_id, customer.external_id], "user": [user.public_id],
        "subscription": [subscription.public_id, subscription.external_id],
        "issuedkey": [key.public_id, customer.external_id], "operation": [operation.public_id, key.public_id],
        "auditevent": [event.public_id, event.object, customer.public_id, "key.revealed"],
    }.items():  # fmt: skip
        for number, name in enumerate(ids):
            at(model, f"search by id {number + 1}", f"q={name}")
    for status in IssuedKey.Status.values:
        at("issuedkey", status, f"status={status}")
    for state in Operation.State.values:
        at("operation", state, f"state__exact={state}")
    for status in Customer.Status.values:
        at("customer", status, f"status__exact={status}")
    for model, parent in (("issuedkey", heavy.pk), ("operation", heavy.pk), ("auditevent", customer.pk)):
        at(model, "of one customer", f"customer__id__exact={parent}")
    at("issuedkey", "of one customer, active", f"customer__id__exact={heavy.pk}&status=active")
    at("issuedkey", "plugin jwt, expired", "plugin=jwt&status=expired")
    at("issuedkey", "of one person", f"user__id__exact={user.pk}")
    at("operation", "retrying revocations", "state__exact=retrying&kind__exact=revoke_key")
    at("operation", "plugin jwt, failed", "plugin=jwt&state__exact=failed")
    at("issuedkey", "plugin jwt, failed", "plugin=jwt&status=failed")
    week, day = (datetime.now(UTC).date() - timedelta(days=days) for days in (7, 1))
    at("auditevent", "of a week", f"f_since={week}&f_until={day}")
    at("auditevent", "of a week, revocations", f"f_since={week}&f_action=key.revoked")
    at("auditevent", "of two years, a rare action", "f_since=2001-01-01&f_action=signing_key.staged")
    at("auditevent", "of one person", f"f_actor={user.email}")
    at("auditevent", "of a customer by name", f"f_customer={customer.name.split()[0]}")
    for kind in ("expiring", "unrevealed", "replaced"):
        at("issuedkey", f"soon {kind}", f"soon={kind}")
    for kind in ("stopped", "failing", "stuck"):
        at("operation", f"look {kind}", f"look={kind}")
    at("subscription", "past due", "status__exact=past_due")
    at("user", "staff", "is_staff__exact=1")
    for label, row in {
        "a customer": customer, "a customer with many keys": heavy, "a key": key, "a user": user,
        "an operation": operation, "an event": event, "a subscription": subscription,
    }.items():  # fmt: skip
        found[f"page of {label}"] = reverse(f"admin:portal_{row._meta.model_name}_change", args=[row.pk])
    found["history of a key"] = reverse("admin:portal_issuedkey_history", args=[key.pk])
    for name, query in {
        "keys": "", "keys active": "status=active&", "keys expired": "status=expired&",
        "keys needing attention": "status=needs_attention&",
        "keys of a customer": f"customer={heavy.public_id}&",
        "keys of a customer, active": f"customer={heavy.public_id}&status=active&",
        "keys of a user": f"user={user.email}&", "keys plugin tyk": "plugin=tyk&", "operations": "",
        "operations failed": "status=failed&", "operations retrying": "status=retrying&",
        "operations of a user": f"user={user.email}&",
        "operations of a customer": f"customer={heavy.public_id}&",
        "events": "", "events of a customer": f"customer={heavy.public_id}&", "customers": "",
        "customers suspended": "status=suspended&",
    }.items():  # fmt: skip
        found[f"API {name}"] = f"/api/v1/{name.split()[0]}?{query}limit=200"
    return found


def main() -> None:
    expire_keys()  # as a worker does every minute
    staff = User.objects.filter(is_staff=True, is_superuser=True).first() or User.objects.create_user(
        "bench@example.com", is_staff=True, is_superuser=True
    )
    text = create_access_token(SYSTEM, owner=staff, scopes=SCOPES)[1].reveal()
    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
    client.force_login(staff, backend=settings.AUTHENTICATION_BACKENDS[0])
    asked, statements = paths(), Statements()
    print(json.dumps(list(asked)), flush=True)
    with connection.execute_wrapper(statements):
        for line in sys.stdin:
            path = asked[line.rstrip("\n")]
            headers = {"authorization": f"Bearer {text}"} if path.startswith("/api/") else {}
            statements.reset()
            started = time.perf_counter()
            answer = client.get(path, headers=headers)
            took = (time.perf_counter() - started) * 1000
            if answer.status_code != 200:
                raise SystemExit(f"{answer.status_code} {path}: {answer.content[:300]!r}")
            print(json.dumps({"ms": took, "slowest": statements.slowest, "queries": statements.count,
                              "sql": statements.sql}), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
