"""The engine's rows: operations, the call ledger, provider accounts."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from portal.core.clock import now
from portal.core.ids import new_id
from portal.models.visible import CustomerScoped


def _new_id() -> str:
    return new_id("op")


class OperationQuerySet(CustomerScoped["Operation"]):
    def due(self) -> Self:
        """Operations that somebody may claim as far as time and state go."""
        return self.filter(state__in=Operation.WAITING, run_after__lte=now())


class Operation(models.Model):
    """One durable piece of provisioning work; it survives every crash."""

    class Kind(models.TextChoices):
        ISSUE_KEY = "issue_key", "Issue a key"
        REVOKE_KEY = "revoke_key", "Revoke a key"
        PROVISION = "provision", "Provision a user"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        RETRYING = "retrying", "Retrying"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        NEEDS_ATTENTION = "needs_attention", "Needs attention"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.QUEUED, State.RUNNING, State.RETRYING)
    WAITING = (State.QUEUED, State.RETRYING, State.NEEDS_ATTENTION)

    public_id = models.CharField(max_length=40, unique=True, default=_new_id, editable=False)
    kind = models.CharField(max_length=16, choices=Kind)
    plugin = models.CharField(max_length=64)
    customer = models.ForeignKey("portal.Customer", models.PROTECT, related_name="operations", db_index=False)
    user = models.ForeignKey("portal.User", models.SET_NULL, null=True, blank=True, related_name="+")
    key = models.ForeignKey(
        "portal.IssuedKey", models.PROTECT, null=True, blank=True, related_name="operations"
    )
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    run_after = models.DateTimeField(
        default=now, null=True, blank=True, help_text="Empty: it runs again only when a person says so."
    )
    scheduled_at = models.DateTimeField(default=now, editable=False)
    """When ``run_after`` was set: lies in the future only after the clock was put back."""
    failing_since = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    """Remove what was created instead of going on."""
    confirmed_absent = models.BooleanField(default=False)
    """A person looked: nothing is left to remove at the provider."""
    lease_until = models.DateTimeField(null=True, blank=True)
    owner = models.CharField(max_length=160, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    refused_code = models.CharField(max_length=64, blank=True, db_default="")
    refused_detail = models.CharField(max_length=500, blank=True, db_default="")
    """Why it was refused halfway; it ends with this when what it had created is removed."""
    created_at = models.DateTimeField(default=now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer", "-id"], name="operation_by_customer"),
            models.Index(fields=["state", "-id"], name="operation_by_state"),
            models.Index(fields=["plugin", "-id"], name="operation_by_plugin"),
            models.Index(
                fields=["run_after", "id"], name="operation_due",
                condition=Q(state__in=["queued", "retrying", "needs_attention"]),
            ),
            # Not partial: SQLite takes no partial index for bound states, and claims would be quadratic.
            models.Index(fields=["customer", "plugin", "state", "id"], name="operation_turns"),
            models.Index(
                fields=["scheduled_at"], name="operation_planned",
                condition=Q(state__in=["queued", "retrying", "needs_attention"]),
            ),
            models.Index(fields=["lease_until"], name="operation_leased", condition=Q(state="running")),
            models.Index(
                fields=["plugin", "state", "-id"], name="operation_of_plugin_by_state",
                condition=~Q(state="succeeded"),
            ),
            models.Index(
                fields=["kind", "state", "-id"], name="operation_of_kind_by_state",
                condition=~Q(state="succeeded"),
            ),
        ]  # fmt: skip
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="running") | (Q(lease_until__isnull=False) & ~Q(owner="")),
                name="running_operation_has_owner",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "retrying", "needs_attention"])
                | Q(finished_at__isnull=False),
                name="finished_operation_has_instant",
            ),
        ]
        permissions = [
            ("retry_operation", "Can retry operations"),
            ("cancel_operation", "Can cancel operations"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def only_removes(self) -> bool:
        """Whether all that is left to do is to remove something at the provider: never given up."""
        return self.kind == self.Kind.REVOKE_KEY or self.cancel_requested


class Call(models.Model):
    """One remote creation: written before the request leaves, and as long-lived as the resource."""

    scope = models.CharField(max_length=200)
    step = models.CharField(max_length=120)
    attempt_at = models.DateTimeField(null=True)
    attempt_boot = models.CharField(max_length=40, blank=True)
    attempt_uptime = models.FloatField(null=True)
    """Seconds since that boot of the host that made the attempt: no clock step moves them."""
    resource_id = models.CharField(max_length=255, blank=True)
    sealed_secret = models.TextField(blank=True)
    """A secret of our own choosing or shown once by the provider, kept until the operation has ended."""
    confirmed_absent = models.BooleanField(default=False, db_default=False)
    """A person looked: it is not there. It counts where the plugin can't look itself."""
    created_at = models.DateTimeField(db_default=Now())
    """When the intent was stored, then when the resource was."""

    RESTORED = "before the restore"
    """A step that stands for all: what was asked for in the time that a restore lost."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "step"], name="one_call_a_scope_and_step")]
        indexes = [models.Index(fields=["id"], name="call_with_secret", condition=~Q(sealed_secret=""))]

    def __str__(self) -> str:
        return f"{self.scope} {self.step}"


class ProviderAccount(models.Model):
    """What a customer or user is at a plugin: organization, consumer, user id."""

    plugin = models.CharField(max_length=64)
    customer = models.ForeignKey(
        "portal.Customer", models.PROTECT, related_name="provider_accounts", db_index=False
    )
    user = models.ForeignKey("portal.User", models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=32)
    external_id = models.CharField(max_length=255, blank=True, db_index=True)
    state = models.CharField(
        max_length=12, default="pending", choices=[("pending", "Pending"), ("ready", "Ready")]
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "plugin", "kind", "user"], name="one_account_a_user",
            ),
            models.UniqueConstraint(
                fields=["customer", "plugin", "kind"], condition=Q(user=None), name="one_account_a_customer",
            ),
            models.CheckConstraint(
                condition=~Q(state="ready") | ~Q(external_id=""), name="ready_account_has_id"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} at {self.plugin}"
