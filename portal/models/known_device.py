"""A browser from which somebody signed in before."""

from django.db import models

from portal.core.clock import now


class KnownDevice(models.Model):
    """Known by a cookie of its own, of which only the SHA-256 is kept."""

    user = models.ForeignKey("portal.User", models.CASCADE, related_name="known_devices", db_index=False)
    digest = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField(default=now)
    last_seen_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="one_device_a_user_and_digest")
        ]
        indexes = [models.Index(fields=["last_seen_at"], name="device_by_last_use")]

    def __str__(self) -> str:
        return f"device {self.pk}"
