"""Requests that were made with an ``Idempotency-Key``."""

from django.db import models

from portal.core.clock import now


class IdempotencyRecord(models.Model):
    """One ``Idempotency-Key`` of one caller, kept 24 hours with its answer sealed."""

    caller = models.CharField(max_length=64)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=255)
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=64)
    operation = models.ForeignKey("portal.Operation", models.CASCADE, null=True, blank=True, related_name="+")
    owner = models.CharField(max_length=160)
    lease_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    sealed_answer = models.TextField(blank=True)
    created_at = models.DateTimeField(default=now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "method", "path", "key"], name="one_idempotency_record")
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
