"""What workers share: signs of life, turns at providers, scheduled work, and how plugins are doing."""

from typing import Any

from django.db import models

from portal.core.clock import now


class RateBucket(models.Model):
    """When the next call to one kind of endpoint may leave, for all processes together."""

    name = models.CharField(max_length=120, unique=True)
    next_at = models.FloatField(default=0)
    """Seconds since 1970: the turn after the last one that was given."""
    held_until = models.FloatField(default=0, db_default=0)
    """Until then the provider wants to hear nothing; turns that were given for before that don't count."""

    def __str__(self) -> str:
        return self.name


class WorkerSeen(models.Model):
    """A worker's sign of life."""

    process = models.CharField(max_length=160, unique=True)
    seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.process


class ScheduledJob(models.Model):
    """One piece of scheduled work; whichever worker reserves it runs it."""

    name = models.CharField(max_length=64, unique=True)
    run_after = models.DateTimeField(default=now)
    lease_until = models.DateTimeField(null=True, blank=True)
    owner = models.CharField(max_length=160, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)
    """What went wrong in the last run; empty when it went well."""

    def __str__(self) -> str:
        return self.name


class PluginState(models.Model):
    """How a plugin was doing when a worker last looked, and what reconciling it last found."""

    plugin = models.CharField(max_length=64, unique=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    problems = models.JSONField(default=list, blank=True)
    """Each as ``provisioning.contract.Problem`` has it."""
    reconciled_at = models.DateTimeField(null=True, blank=True)
    drift = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = "plugin"

    def __str__(self) -> str:
        return self.plugin

    @property
    def real_problems(self) -> list[dict[str, Any]]:
        """Those with which the plugin isn't well; others only say what more it could do."""
        return [problem for problem in self.problems if not problem.get("optional")]
