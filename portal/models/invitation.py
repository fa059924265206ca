"""An invitation: a customer's people ask somebody to join by e-mail."""

from typing import Self

from django.db import models
from django.db.models import Q

from portal.core.clock import now
from portal.core.ids import new_id
from portal.models.user import Membership
from portal.models.visible import CustomerScoped


def _new_id() -> str:
    return new_id("inv")


class InvitationQuerySet(CustomerScoped["Invitation"]):
    def unanswered(self) -> Self:
        """Neither accepted nor withdrawn; their time may be up."""
        return self.filter(accepted_at=None, withdrawn_at=None)

    def open(self) -> Self:
        """Those that can be accepted now."""
        return self.unanswered().filter(expires_at__gt=now())


class Invitation(models.Model):
    """Its link is signed and not stored; ``version`` grows with every mail, so that older links end."""

    public_id = models.CharField(max_length=40, unique=True, default=_new_id, editable=False)
    customer = models.ForeignKey(
        "portal.Customer", models.CASCADE, related_name="invitations", db_index=False
    )
    email = models.EmailField("e-mail")
    role = models.CharField(max_length=12, choices=Membership.Role, default=Membership.Role.DEVELOPER)
    invited_by = models.ForeignKey("portal.User", models.SET_NULL, null=True, related_name="+")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["customer", "-id"], name="invitation_by_customer")]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "email"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="one_invitation_a_customer_and_email",
            )
        ]

    def __str__(self) -> str:
        return self.public_id
