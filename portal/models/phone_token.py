"""Records of phone tokens: what a mobile backend finds a transaction by. The tokens aren't kept."""

from typing import Self

from django.db import models

from portal.core.keyed_hashes import LONGEST, keyed_hashes
from portal.core.phone_numbers import PhoneNumber
from portal.core.sealing import unseal

PHONE = "phone number"
"""What a number is hashed as."""


class PhoneTokenQuerySet(models.QuerySet["PhoneToken"]):
    def of_number(self, number: PhoneNumber) -> Self:
        return self.filter(phone_hash__in=self.hashes_of(number))

    def hashes_of(self, number: PhoneNumber) -> list[str]:
        """What it is stored under. Asked for first: rows of one hash alone have an index with their order."""
        known = keyed_hashes(PHONE, number.e164)
        if len(known) > 1:
            known = [found for found in known if self.model.objects.filter(phone_hash=found).exists()]
        return known


class PhoneToken(models.Model):
    """One token that was given out. The number is sealed and found by a keyed hash of its E.164 form."""

    xid = models.CharField(max_length=64)
    ordinal = models.IntegerField()
    """Which token of its transaction this is, from 1 on."""
    phone_hash = models.CharField(max_length=LONGEST)
    sealed_number = models.TextField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    """As in the token's ``iat`` and ``exp``."""
    fingerprint = models.CharField(max_length=64)
    """SHA-256 of the token in hex."""
    client_hash = models.CharField(max_length=LONGEST)
    """Of the caller's address: tells two callers apart, and who they were only to who asks for one."""

    objects = PhoneTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        permissions = [
            ("issue_phonetoken", "Can fetch phone tokens"),
            ("show_phone_number", "Can see phone numbers in full"),
        ]
        constraints = [
            # Two numbers at once can't both begin a transaction.
            models.UniqueConstraint(fields=["xid", "ordinal"], name="phone_token_of_a_transaction"),
        ]
        indexes = [
            models.Index(fields=["xid", "-id"], name="phone_token_by_transaction"),
            models.Index(fields=["phone_hash", "-id"], name="phone_token_by_number"),
            models.Index(fields=["expires_at"], name="phone_token_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"phone token {self.pk}"

    @property
    def e164(self) -> str:
        """The number in full. Raises ``Unavailable`` when no sealing key fits."""
        return unseal(self.sealed_number).reveal()
