"""Our own keys: they sign JWT keys, and their public halves are in the JWKS."""

from typing import Self

from django.db import models
from django.db.models import Q

from portal.core.clock import now


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def published(self) -> Self:
        """Keys whose public half belongs in the JWKS; HS secrets are never among them."""
        return self.verifying().exclude(algorithm__startswith="HS")

    def verifying(self) -> Self:
        """Keys whose signatures count."""
        return self.filter(state__in=SigningKey.VERIFYING)


class SigningKey(models.Model):
    class State(models.TextChoices):
        STAGED = "staged", "Staged"
        ACTIVE = "active", "Active"
        RETIRING = "retiring", "Retiring"
        RETIRED = "retired", "Retired"
        REVOKED = "revoked", "Revoked"

    class Source(models.TextChoices):
        MANAGED = "managed", "Made and rotated here"
        IMPORTED = "imported", "From PLUGIN_JWT_SECRET"

    VERIFYING = (State.STAGED, State.ACTIVE, State.RETIRING)

    kid = models.CharField(max_length=255, unique=True)
    algorithm = models.CharField(max_length=8)
    source = models.CharField(max_length=8, choices=Source)
    state = models.CharField(max_length=8, choices=State)
    thumbprint = models.CharField(max_length=64, db_index=True)
    public_jwk = models.JSONField(default=dict)
    sealed_private = models.TextField(blank=True)
    staged_at = models.DateTimeField(default=now)
    activated_at = models.DateTimeField(null=True, blank=True)
    retiring_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    chosen = models.BooleanField(
        default=False, help_text="Staged with an algorithm that a person chose: a start leaves it."
    )
    reason = models.CharField(max_length=200, blank=True)

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(state="active"), name="one_active_signing_key_a_source"
            ),
            models.UniqueConstraint(
                fields=["source"], condition=Q(state="staged"), name="one_staged_signing_key_a_source"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["staged", "active"]) | ~Q(sealed_private=""),
                name="signing_key_that_may_sign_has_private_half",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["retired", "revoked"]) | Q(sealed_private=""),
                name="ended_signing_key_is_erased",
            ),
        ]
        permissions = [
            ("stage_signingkey", "Can stage the next signing key"),
            ("activate_signingkey", "Can activate the staged signing key"),
            ("revoke_signingkey", "Can revoke a signing key"),
        ]

    def __str__(self) -> str:
        return self.kid
