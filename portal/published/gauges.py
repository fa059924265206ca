"""What is durable and told to Prometheus: read from the database when somebody asks."""

from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily

from portal.core.clock import now
from portal.core.process import is_gone
from portal.models import Notice, Operation, PluginState, ScheduledJob, SigningKey, WorkerSeen
from portal.published.health import WORKER_SILENT_FOR

OPEN = (*Operation.OPEN, Operation.State.NEEDS_ATTENTION)


def database_gauges() -> bytes:
    """The gauges as text; ``latchkey_database_up 0`` alone when the database doesn't answer."""
    try:
        found = [*_operations(), *_workers(), *_signing_keys(), *_plugins()]
    except DatabaseError:
        return DATABASE_DOWN
    return _text([_gauge("latchkey_database_up", "1 while the database answers.", 1), *found])


def _text(metrics: list[Metric]) -> bytes:
    class Found:
        def collect(self) -> list[Metric]:
            return metrics

    registry = CollectorRegistry()
    registry.register(Found())
    return generate_latest(registry)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=value)


DATABASE_DOWN = _text([_gauge("latchkey_database_up", "1 while the database answers.", 0)])


def _operations() -> Iterator[Metric]:
    # Only what is open is counted, over a partial index: what has ended are millions.
    opened = GaugeMetricFamily(
        "latchkey_open_operations", "Operations that have not ended.", labels=("plugin", "state")
    )
    found = Operation.objects.filter(state__in=OPEN).order_by().values("plugin", "state")
    for row in found.annotate(number=Count("id")):
        opened.add_metric([row["plugin"], row["state"]], row["number"])
    yield opened
    due = Operation.objects.due().order_by().aggregate(first=Min("run_after"))["first"]
    age = 0.0 if due is None else (now() - due).total_seconds()
    yield _gauge("latchkey_oldest_due_operation_age_seconds", "How long the oldest due operation waits.", age)


def _workers() -> Iterator[Metric]:
    seen = WorkerSeen.objects.filter(seen_at__gte=now() - WORKER_SILENT_FOR)
    # One that was just stopped on this host is not waited for.
    alive = sum(not is_gone(process) for process in seen.values_list("process", flat=True))
    yield _gauge("latchkey_workers_seen", "Workers that showed life in the last 30 s.", alive)
    failing = GaugeMetricFamily(
        "latchkey_scheduled_job_failing", "1 when the last run of this job failed.", labels=("job",)
    )
    ended = GaugeMetricFamily(
        "latchkey_scheduled_job_end_timestamp_seconds", "When this job last ended.", labels=("job",)
    )
    for job in ScheduledJob.objects.order_by("name"):
        failing.add_metric([job.name], bool(job.error))
        if job.finished_at is not None:
            ended.add_metric([job.name], job.finished_at.timestamp())
    yield from (failing, ended)
    unsent = Notice.objects.filter(sent_at=None).count()
    yield _gauge("latchkey_unsent_notices", "Notices that are not mailed yet.", unsent)


def _signing_keys() -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "latchkey_signing_key_age_seconds", "Since it signs or, staged, since it is published.",
        labels=("source", "state"),
    )  # fmt: skip
    due = GaugeMetricFamily(
        "latchkey_signing_key_rotation_due_timestamp_seconds", "When the managed signing key should rotate."
    )
    ready = GaugeMetricFamily(
        "latchkey_staged_signing_key_ready_timestamp_seconds", "From when on the staged key may sign."
    )
    for key in SigningKey.objects.filter(state__in=["staged", "active"]):
        since = key.activated_at or key.staged_at
        age.add_metric([key.source, key.state], (now() - since).total_seconds())
        if key.state == SigningKey.State.STAGED:
            ready.add_metric([], (key.staged_at + settings.SIGNING_KEY_LEAD_TIME).timestamp())
        elif key.source == SigningKey.Source.MANAGED:
            due.add_metric([], (since + settings.SIGNING_KEY_ROTATE_EVERY).timestamp())
    yield from (age, due, ready)


def _plugins() -> Iterator[Metric]:
    problems = GaugeMetricFamily(
        "latchkey_plugin_problems", "Problems when a worker last looked.", labels=("plugin",)
    )
    drift = GaugeMetricFamily(
        "latchkey_plugin_drift", "Differences that reconciling last found.", labels=("plugin",)
    )
    for state in PluginState.objects.order_by("plugin"):
        problems.add_metric([state.plugin], len(state.real_problems))
        drift.add_metric([state.plugin], len(state.drift))
    yield from (problems, drift)
