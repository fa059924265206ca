"""A key: the customer's credential, whatever its form."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Lower

from portal.core.clock import now
from portal.core.ids import new_id
from portal.core.plugins import token_lifetime
from portal.models.operation import Operation
from portal.models.visible import CustomerScoped


def _new_id() -> str:
    return new_id("key")


class IssuedKeyQuerySet(CustomerScoped["IssuedKey"]):
    def counted(self) -> Self:
        """Keys that use up the plan's limit: alive or on their way, and not being replaced."""
        return self.filter(
            Q(status__in=["requested", "needs_attention"])
            | (Q(status="active", retires_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now())))
        )

    def alive(self) -> Self:
        """Keys that a gateway may still accept or that are about to exist."""
        return self.filter(status__in=IssuedKey.REVOCABLE)

    def unrevealed(self) -> Self:
        """Active keys whose secret nobody has fetched yet."""
        return self.filter(status="active").exclude(sealed_secret="")

    def marked(self, *markers: str) -> Self:
        """The keys whose ``marker`` is one of these."""
        wanted = [marker.replace("-", "_") for marker in markers]
        return self.annotate(lowered=Lower("public_id")).filter(lowered__in=wanted)

    def with_removal(self) -> Self:
        """Keys with ``removed_at``: since when their provider refuses them, None while it may not yet."""
        removals = Operation.objects.filter(key=OuterRef("pk"), kind="revoke_key", state="succeeded")
        return self.annotate(removed_at=Coalesce("revoked_at", Subquery(removals.values("finished_at")[:1])))

    def in_status(self, status: str) -> Self:
        """Keys whose ``shown_status`` is ``status``."""
        if status == "expired":  # swept or not yet; in these words one index finds them
            return self.filter(status__in=IssuedKey.LIVED, expires_at__lte=now())
        if status == "active":
            return self.filter(Q(status="active") & (Q(expires_at=None) | Q(expires_at__gt=now())))
        return self.filter(status=status)


class IssuedKey(models.Model):
    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        ACTIVE = "active", "Active"
        REVOKING = "revoking", "Revoking"
        REVOKED = "revoked", "Revoked"
        EXPIRED = "expired", "Expired"
        FAILED = "failed", "Failed"
        NEEDS_ATTENTION = "needs_attention", "Needs attention"

    REVOCABLE = (Status.REQUESTED, Status.ACTIVE, Status.NEEDS_ATTENTION)
    LIVED = (Status.ACTIVE, Status.EXPIRED)

    public_id = models.CharField(max_length=40, unique=True, default=_new_id, editable=False)
    customer = models.ForeignKey("portal.Customer", models.PROTECT, related_name="keys", db_index=False)
    subscription = models.ForeignKey(
        "portal.Subscription", models.PROTECT, related_name="keys", null=True, blank=True
    )
    user = models.ForeignKey("portal.User", models.SET_NULL, related_name="keys", null=True, db_index=False)
    name = models.CharField(max_length=100)
    plugin = models.CharField(max_length=64)
    status = models.CharField(max_length=16, choices=Status, default=Status.REQUESTED)
    scopes = models.JSONField(default=list, blank=True)
    lifetime = models.DurationField(null=True, blank=True)

    external_id = models.CharField("id at the provider", max_length=255, blank=True, db_index=True)
    signing_key = models.ForeignKey(
        "portal.SigningKey", models.PROTECT, related_name="keys", null=True, blank=True, db_index=False
    )
    jti = models.CharField(max_length=64, null=True, blank=True, unique=True)
    public = models.JSONField(default=dict, blank=True)
    prefix = models.CharField(max_length=16, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    fingerprint = models.CharField(max_length=64, null=True, blank=True, unique=True)
    sealed_secret = models.TextField(blank=True)

    created_at = models.DateTimeField(default=now, editable=False)
    activated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    retires_at = models.DateTimeField(
        null=True, blank=True, help_text="When the overlap with its successor ends."
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoke_reason = models.CharField(max_length=200, blank=True)
    revealed_by = models.CharField(max_length=64, blank=True, db_default="")
    """The identity of the actor who saw the secret: whose leaving means that it is known outside."""
    revealed_at = models.DateTimeField(null=True, blank=True)
    secret_erased_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    rotated_from = models.ForeignKey(
        "self", models.PROTECT, related_name="successors", null=True, blank=True, db_index=False
    )
    overlap = models.DurationField(null=True, blank=True)
    created_by = models.CharField(max_length=64, blank=True)
    """The actor's identity; the token that created a key may reveal it."""

    removed_at: datetime | None
    """On rows ``with_removal`` alone."""

    objects = IssuedKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "issued key"
        indexes = [
            models.Index(fields=["customer", "-id"], name="key_by_customer"),
            models.Index(fields=["user", "-id"], name="key_by_user"),
            models.Index(fields=["status", "-id"], name="key_by_status"),
            models.Index(fields=["plugin", "-id"], name="key_by_plugin"),
            models.Index(fields=["signing_key", "expires_at"], name="key_by_signing_key"),
            models.Index(fields=["expires_at"], name="key_alive_by_expiry", condition=Q(status="active")),
            models.Index(  # the last ones, so that counting reads the index alone
                fields=["customer", "status", "expires_at", "retires_at", "user", "plugin"],
                name="key_of_customer_counted",
            ),
            models.Index(fields=["customer", "activated_at"], name="key_of_customer_by_start"),
            models.Index(fields=["plugin", "status", "-id"], name="key_of_plugin_by_status"),
            models.Index(
                fields=["-expires_at", "-id"],
                name="key_by_end",
                condition=Q(status__in=["active", "expired"]),
            ),
            models.Index(
                fields=["rotated_from"], name="key_by_predecessor", condition=Q(rotated_from__isnull=False)
            ),
            models.Index(Lower("public_id"), name="key_by_marker"),
            models.Index(
                fields=["id", "expires_at"],
                name="key_invalid",
                condition=Q(status__in=["revoking", "revoked"]),
            ),
            models.Index(fields=["activated_at"], name="key_unrevealed", condition=~Q(sealed_secret="")),
            models.Index(
                fields=["retires_at"],
                name="key_replaced",
                condition=Q(status="active", retires_at__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="active") | Q(activated_at__isnull=False),
                name="active_key_was_activated",
            ),
            models.CheckConstraint(
                condition=~Q(status="revoked") | Q(revoked_at__isnull=False), name="revoked_key_has_instant"
            ),
            models.CheckConstraint(
                condition=Q(sealed_secret="") | Q(revealed_at=None), name="revealed_secret_is_not_kept"
            ),
            models.CheckConstraint(
                condition=~Q(status="active") | Q(fingerprint__isnull=False),
                name="active_key_has_fingerprint",
            ),
            models.UniqueConstraint(
                fields=["rotated_from"],
                condition=Q(activated_at__isnull=False) | ~Q(status__in=["failed", "revoked"]),
                name="one_successor_a_key",
            ),
        ]
        permissions = [
            ("issue_issuedkey", "Can issue keys for customers"),
            ("rotate_issuedkey", "Can rotate issued keys"),
            ("revoke_issuedkey", "Can revoke issued keys"),
            ("reveal_issuedkey", "Can reveal keys of one's own"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def status_sequence(self) -> int:
        """The number behind the key's place in a status list: unique, growing, never reused."""
        return self.pk

    @property
    def marker(self) -> str:
        """The key's id as names and tags at providers may carry it."""
        return self.public_id.replace("_", "-").lower()

    @property
    def shown_status(self) -> str:
        """The status as of now: an active key whose time is up is expired before any sweep."""
        if self.status == self.Status.ACTIVE and self.is_past(self.expires_at):
            return str(self.Status.EXPIRED)
        return self.status

    @property
    def is_usable(self) -> bool:
        """Whether a gateway should accept the key now."""
        return self.shown_status == "active" and not self.is_past(self.retires_at)

    @property
    def secret_available(self) -> bool:
        return bool(self.sealed_secret) and self.status == self.Status.ACTIVE

    @property
    def tokens_valid_until(self) -> datetime | None:
        """When the last access token that was fetched with it has expired, of rows ``with_removal``.

        None while more can be fetched, and for keys that nothing is fetched with.
        """
        lifetime = token_lifetime(self.plugin)
        return self.removed_at + lifetime if lifetime and self.removed_at else None

    @staticmethod
    def is_past(instant: datetime | None) -> bool:
        return instant is not None and instant <= now()
