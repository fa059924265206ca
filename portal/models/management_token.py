"""What scripts authenticate with. Only the SHA-256 of a token is kept."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from portal.core.clock import now
from portal.core.ids import new_id
from portal.models.visible import CustomerScoped

if TYPE_CHECKING:
    from portal.core.actor import Actor


def _new_id() -> str:
    return new_id("tok")


class ManagementTokenQuerySet(CustomerScoped["ManagementToken"]):
    def valid(self) -> Self:
        return self.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now()))

    def visible_to(self, actor: "Actor", scope: str) -> Self:
        """Within one customer, admins see all of its tokens; staff-wide tokens only staff sees."""
        return super().visible_to(actor, scope).filter(revoked_at=None)


class ManagementToken(models.Model):
    public_id = models.CharField(max_length=40, unique=True, default=_new_id, editable=False)
    name = models.CharField(max_length=100, blank=True)
    owner = models.ForeignKey("portal.User", models.CASCADE, related_name="management_tokens")
    customer = models.ForeignKey(
        "portal.Customer", models.CASCADE, null=True, blank=True, db_index=False,
        related_name="management_tokens", help_text="Empty: all customers (staff only).",
    )  # fmt: skip
    scopes = models.JSONField(default=list)
    digest = models.CharField(max_length=64, unique=True)
    last4 = models.CharField(max_length=4)
    created_at = models.DateTimeField(default=now, editable=False)
    created_by = models.CharField(max_length=64)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ManagementTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "access token"
        indexes = [models.Index(fields=["customer", "-id"], name="token_by_customer")]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= now()
