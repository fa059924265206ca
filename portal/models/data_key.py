"""The portal's own random keys."""

from django.db import models


class DataKey(models.Model):
    """A random key of the portal's own, stored sealed; it outlives rotations of sealing keys."""

    name = models.CharField(max_length=32, unique=True)
    sealed_key = models.TextField()

    def __str__(self) -> str:
        return self.name
