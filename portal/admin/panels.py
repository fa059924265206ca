"""The overview's panels: a few rows each; a row that tells of a problem says what to do."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString

from portal.admin.advice import advice
from portal.admin.issued_key_filters import expiring
from portal.admin.plugin_health import drift_told, health, plugin_states
from portal.admin.show import describe, link, pill, relative, when
from portal.admin.signing_keys import note_on
from portal.admin.trouble import failing, is_stuck, stopped, stuck
from portal.admin.workers import workers
from portal.core.clock import now
from portal.models import IssuedKey, Operation, ScheduledJob, SigningKey

ROWS = 6
LATE_AFTER = timedelta(minutes=5)
JOBS = {
    "signing_keys": "Rotate signing keys", "expiry": "End expired keys",
    "unrevealed_secrets": "Erase unfetched secrets", "reminders": "Prepare reminders", "mail": "Send mail",
    "plugin_health": "Look at plugins", "reconcile": "Compare providers", "purge": "Erase old records",
    "status_lists": "Sign status lists",
}  # fmt: skip
"""Scheduled job → what it does; one without a name here is shown by its own."""


@dataclass(frozen=True)
class Row:
    """One line of a panel: what, a state, a remark; and for a problem, what it is and what to do."""

    what: SafeString | str
    state: SafeString | str = ""
    remark: SafeString | str = ""
    todo: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Panel:
    title: str
    empty: str
    rows: list[Row]
    url: str = ""


def list_url(model: str, query: str = "") -> str:
    return reverse(f"admin:portal_{model}_changelist") + (f"?{query}" if query else "")


def troubled_operations() -> Panel:
    """Those that stopped, then those that nobody takes up, then those that fail; each at most once."""
    rows = Operation.objects.select_related("customer").order_by("-id")
    found: dict[int, Operation] = {}
    for kind in (stopped(), stuck(), failing()):
        if len(found) < ROWS:
            found.update((row.pk, row) for row in rows.filter(kind)[:ROWS])
    shown = [_troubled(operation) for operation in list(found.values())[:ROWS]]
    return Panel(
        "Operations that need a look", "All provisioning is going well.", shown, list_url("operation")
    )


def _troubled(operation: Operation) -> Row:
    since = when(operation.failing_since or operation.created_at)
    what = link(operation, f"{operation.get_kind_display()} · {describe(operation.customer)}")
    if is_stuck(operation):
        return Row(what, pill("failed", "Stuck"), since, "No worker takes it up: see whether one is running.")
    said = operation.error_detail or operation.error_code
    return Row(what, pill(operation.state), since, advice(operation), said)


def expiring_keys() -> Panel:
    keys = IssuedKey.objects.filter(expiring()).select_related("customer").order_by("expires_at")[:ROWS]
    rows = [
        Row(link(key, f"{key.name or key.public_id} · {describe(key.customer)}"), "", when(key.expires_at))
        for key in keys
    ]
    url = list_url("issuedkey", "soon=expiring")
    return Panel("Keys expiring soon", "No key expires within 7 days.", rows, url)


def plugins() -> Panel:
    rows = []
    for state in plugin_states():
        found = health(state)
        what = link(state, state.plugin) if state.pk else state.plugin
        todo, problem = found.todo, found.problem
        if state.drift:
            problem = f"{problem} {drift_told(state)}.".strip()
            todo = f"{todo} Open the plugin to see what differs, and to repair it.".strip()
        rows.append(Row(what, found.pill, found.remark, todo, problem))
    return Panel("Plugins", "No plugin is enabled.", rows, list_url("pluginstate"))


def signing_keys() -> Panel:
    keys = list(SigningKey.objects.verifying().order_by("id")[:ROWS])
    rows = [
        Row(link(key, f"{key.algorithm} · {key.kid[:12]}…"), pill(key.state), note_on(key)) for key in keys
    ]
    managed = SigningKey.Source.MANAGED
    active = next((key for key in keys if key.state == "active" and key.source == managed), None)
    if active is not None and active.activated_at is not None:
        due = active.activated_at + settings.SIGNING_KEY_ROTATE_EVERY
        todo = "" if due > now() else "It is overdue: see whether a worker is running."
        rows.append(Row("Next planned rotation", "", when(due), todo))
    return Panel("Signing keys", "None. Restart the portal: it makes them.", rows, list_url("signingkey"))


def scheduled_work() -> Panel:
    """Workers' signs of life, and what they do by the clock."""
    rows = [_workers(), *(_job(job) for job in ScheduledJob.objects.order_by("name")[:30])]
    return Panel("Workers and scheduled work", "", rows)


def _workers() -> Row:
    found = workers()
    if found.running and found.seen_at:
        running = f"{found.running} running"
        return Row("Workers", pill("healthy", running), f"Last sign of life {relative(found.seen_at)}")
    remark = f"Last seen {relative(found.seen_at)}" if found.seen_at else "None was ever seen"
    todo = "Nothing is provisioned or revoked at providers meanwhile: start one with manage.py worker."
    return Row("Workers", pill("failed", "None running"), remark, todo)


def _job(job: ScheduledJob) -> Row:
    ran = relative(job.finished_at).capitalize() if job.finished_at else "Not yet"
    planned = f"next {relative(job.run_after)}" if job.run_after > now() else "due now"
    name, remark = JOBS.get(job.name, job.name), f"{ran}, {planned}"
    if job.lease_until is not None and job.lease_until > now():
        return Row(name, pill("running"), ran)
    if job.error:
        todo = "It is tried again by itself. If it goes on failing, read the log: job.failed."
        return Row(name, pill("failed"), remark, todo, f"It ended with {job.error}.")
    if job.run_after + LATE_AFTER < now():
        todo = f"Due {relative(job.run_after)}: see whether a worker is running."
        return Row(name, pill("unknown", "Late"), ran, todo)
    return Row(name, "", remark)
