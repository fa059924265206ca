"""Token status lists as gateways get them, and the notes that they are out of date."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q


class StatusListQuerySet(models.QuerySet["StatusList"]):
    def due(self, at: datetime, *, kid: str, renewal: timedelta) -> Self:
        """Lists to be signed anew by ``at``, or because another key signs now.

        A plan further ahead than ``renewal`` was made before the clock was put back: it doesn't count.
        """
        return self.filter(Q(renew_at__lte=at) | Q(renew_at__gt=at + renewal) | ~Q(kid=kid))


class StatusList(models.Model):
    """One list: the bits of the keys whose sequence number div 2^20 is ``number``."""

    number = models.BigIntegerField(unique=True)
    token = models.TextField()
    """The signed JWT, as it is sent. Public."""
    kid = models.CharField(max_length=255)
    signed_at = models.DateTimeField()
    renew_at = models.DateTimeField()
    """Half-way through the time that gateways keep it, or earlier: the next end of a key's overlap."""
    expires_at = models.DateTimeField()
    revision = models.PositiveBigIntegerField(default=1)
    """Grows with each signing, so that a signer who was overtaken stores nothing."""

    objects = StatusListQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.number)


class StatusListChange(models.Model):
    """A note that bits of a list changed, written with the change; gone when a list holds it.

    A row each instead of a mark on the list, which all who revoke would wait for. And nothing about
    time or order: a transaction that commits late is found when it does.
    """

    number = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.number)
