"""What people are told by mail: a row before it is a mail, so that each thing is told once."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Notice(models.Model):
    """One message about a key, a person, an invitation or a customer; unsent until its mail was handed over.

    ``key`` is told to the key's user and the owners, ``invitation`` to the address invited, ``user`` to that
    person, with a ``customer`` as long as they belong to it, and ``customer`` alone to its owners and admins.
    """

    class Kind(models.TextChoices):
        UNREVEALED = "unrevealed", "The secret is about to be erased unrevealed"
        EXPIRES_IN_30_DAYS = "expires_30d", "Expires in 30 days"
        EXPIRES_IN_7_DAYS = "expires_7d", "Expires in 7 days"
        EXPIRES_IN_1_DAY = "expires_1d", "Expires tomorrow"
        KEY_ISSUED = "key_issued", "A key was issued"
        KEY_ROTATED = "key_rotated", "A key was replaced"
        KEY_REVOKED = "key_revoked", "A key was revoked"
        WELCOME = "welcome", "Welcome"
        NEW_DEVICE = "new_device", "Sign-in from a new device"
        INVITATION = "invitation", "Invitation to a customer"
        CUSTOMER_APPROVED = "customer_approved", "A sign-up was approved"
        CUSTOMER_DECLINED = "customer_declined", "A sign-up was declined"
        PLAN_APPROVED = "plan_approved", "Another plan was approved"
        PLAN_DECLINED = "plan_declined", "Another plan was declined"

    kind = models.CharField(max_length=32, choices=Kind)
    key = models.ForeignKey(
        "portal.IssuedKey", models.CASCADE, null=True, related_name="notices", db_index=False
    )
    user = models.ForeignKey("portal.User", models.CASCADE, null=True, related_name="notices")
    invitation = models.ForeignKey("portal.Invitation", models.CASCADE, null=True, related_name="notices")
    customer = models.ForeignKey("portal.Customer", models.CASCADE, null=True, related_name="notices")
    detail = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))
    """What the mail says beyond its subject; never a secret."""
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "kind"], name="one_notice_a_key_and_kind"),
            models.UniqueConstraint(fields=["user"], condition=Q(kind="welcome"), name="one_welcome_a_user"),
            models.CheckConstraint(
                condition=Q(key__isnull=False)
                | Q(user__isnull=False)
                | Q(invitation__isnull=False)
                | Q(customer__isnull=False),
                name="notice_is_about_something",
            ),
        ]
        indexes = [models.Index(fields=["id"], name="notice_unsent", condition=Q(sent_at=None))]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
