"""What a key's people were told, so that each thing is told once."""

from django.db import models
from django.db.models.functions import Now


class Notice(models.Model):
    """One message about one key; unsent until its mail was handed over."""

    class Kind(models.TextChoices):
        UNREVEALED = "unrevealed", "The secret is about to be erased unrevealed"
        EXPIRES_IN_30_DAYS = "expires_30d", "Expires in 30 days"
        EXPIRES_IN_7_DAYS = "expires_7d", "Expires in 7 days"
        EXPIRES_IN_1_DAY = "expires_1d", "Expires tomorrow"

    key = models.ForeignKey("portal.IssuedKey", models.CASCADE, related_name="notices", db_index=False)
    kind = models.CharField(max_length=16, choices=Kind)
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "kind"], name="one_notice_a_key_and_kind")]
        indexes = [models.Index(fields=["id"], name="notice_unsent", condition=models.Q(sent_at=None))]

    def __str__(self) -> str:
        return f"{self.kind} {self.key_id}"
