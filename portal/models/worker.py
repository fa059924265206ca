"""What workers share: their signs of life, and the rate at which they may call a plugin."""

from django.db import models


class RateBucket(models.Model):
    """Tokens left for calls to one plugin, shared by all processes."""

    name = models.CharField(max_length=120, unique=True)
    tokens = models.FloatField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class WorkerSeen(models.Model):
    """A worker's sign of life."""

    process = models.CharField(max_length=160, unique=True)
    seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.process
