"""The append-only audit log: one HMAC chain a customer, and one for what belongs to none."""

from typing import TYPE_CHECKING, Any

from django.db import models

from portal.core.clock import now
from portal.core.ids import new_id
from portal.models.visible import CustomerScoped

if TYPE_CHECKING:
    from portal.models.customer import Customer


def _new_id() -> str:
    return new_id("evt")


class AuditEventQuerySet(CustomerScoped["AuditEvent"]):
    """Events of the customers that an actor may see."""


class AuditEvent(models.Model):
    """What happened, by ids only. Written by ``services.audit`` and never changed."""

    public_id = models.CharField(max_length=40, unique=True, default=_new_id, editable=False)
    at = models.DateTimeField(default=now)
    actor = models.CharField(max_length=64)
    action = models.CharField(max_length=64)
    object = models.CharField(max_length=64)
    customer: "models.ForeignKey[Customer | None, Any]" = models.ForeignKey(
        "portal.Customer", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    detail = models.JSONField(default=dict)
    chain = models.CharField(max_length=40)
    number = models.PositiveBigIntegerField()
    mac = models.CharField(max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer", "-id"], name="event_by_customer"),
            models.Index(fields=["action", "-id"], name="event_by_action"),
            models.Index(fields=["object", "-id"], name="event_by_object"),
            models.Index(fields=["actor", "-id"], name="event_by_actor"),
            models.Index(fields=["at", "id"], name="event_by_instant"),
        ]
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="one_event_a_chain_number")]

    def __str__(self) -> str:
        return self.public_id


class AuditHead(models.Model):
    """The end of one chain: what was cut off there is missed here."""

    chain = models.CharField(max_length=40, unique=True)
    count = models.PositiveBigIntegerField(default=0)
    last_mac = models.CharField(max_length=64, blank=True)
    purged = models.PositiveBigIntegerField(default=0)
    """So many entries at the chain's beginning are past their retention and gone."""
    purged_mac = models.CharField(max_length=64, blank=True)
    """The MAC of the last of them: the first that is left follows it."""
    mac = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.chain
