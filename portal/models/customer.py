"""A customer: the company that uses the API."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from portal.core.ids import new_id
from portal.models.visible import reach_filter

if TYPE_CHECKING:
    from portal.core.actor import Actor


def _new_id() -> str:
    return new_id("cus")


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, actor: "Actor", scope: str) -> Self:
        """Customers for which the actor holds ``scope``; deleted ones never."""
        return self.filter(deleted_at=None).filter(reach_filter(actor.reach(scope), "pk"))

    def named(self, name: str) -> Self:
        """The customer with that public id or external id, deleted or not: for filtering its history."""
        return self.filter(Q(public_id=name) | Q(external_id=name))

    def ids_of(self, name: str) -> list[int]:
        """The primary keys of ``named``, looked up now: a list by them then follows their index."""
        return list(self.named(name).values_list("pk", flat=True))

    def ids_at(self, account: str) -> list[int]:
        """The primary keys of the customers that are, or whose people are, ``account`` at a provider."""
        found = self.filter(provider_accounts__external_id=account)
        return sorted(set(found.values_list("pk", flat=True)))

    def called(self, name: str) -> Self:
        """The customer with that public id or external id, as an empty or one-row set."""
        return self.named(name).filter(deleted_at=None)


class Customer(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        CLOSED = "closed", "Closed"

    public_id = models.CharField(max_length=40, unique=True, default=_new_id, editable=False)
    external_id = models.CharField(
        "external id", max_length=255, unique=True,
        help_text="The id that billing and token claims know. Fixed once a key exists.",
    )  # fmt: skip
    name = models.CharField(max_length=200, db_index=True)
    email = models.EmailField("e-mail", blank=True, db_index=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    status_reason = models.CharField(
        max_length=300, blank=True, db_default="", help_text="Shown to the customer beside its status."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["status", "-id"], name="customer_by_status")]
        constraints = [
            models.CheckConstraint(
                condition=Q(deleted_at=None) | Q(status="closed"), name="deleted_customer_is_closed"
            ),
            models.CheckConstraint(condition=~Q(external_id=""), name="customer_has_external_id"),
        ]
        permissions = [("provision_customer", "Can provision customer at a plugin")]

    def __str__(self) -> str:
        return self.name or self.public_id
