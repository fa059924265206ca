"""A customer's wish for another plan, which staff approve or decline."""

from typing import Self

from django.db import models
from django.db.models import Q

from portal.core.clock import now
from portal.core.ids import new_id
from portal.models.visible import CustomerScoped


def _new_id() -> str:
    return new_id("req")


class PlanRequestQuerySet(CustomerScoped["PlanRequest"]):
    def open(self) -> Self:
        return self.filter(status=PlanRequest.Status.ASKED)


class PlanRequest(models.Model):
    class Status(models.TextChoices):
        ASKED = "asked", "Waiting"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"

    public_id = models.CharField(max_length=40, unique=True, default=_new_id, editable=False)
    customer = models.ForeignKey(
        "portal.Customer", models.CASCADE, related_name="plan_requests", db_index=False
    )
    plan = models.ForeignKey("portal.Plan", models.PROTECT, related_name="requests")
    asked_by = models.ForeignKey("portal.User", models.SET_NULL, null=True, related_name="+")
    note = models.CharField(max_length=500, blank=True, help_text="What the customer wrote.")
    status = models.CharField(max_length=12, choices=Status, default=Status.ASKED)
    answer = models.CharField(max_length=500, blank=True, help_text="The reason, shown to the customer.")
    created_at = models.DateTimeField(default=now, editable=False)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = PlanRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer", "-id"], name="plan_request_by_customer"),
            models.Index(fields=["status", "-id"], name="plan_request_by_status"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(status="asked"), name="one_open_plan_request_a_customer"
            ),
            models.CheckConstraint(
                condition=Q(status="asked") | Q(decided_at__isnull=False),
                name="decided_plan_request_has_instant",
            ),
        ]
        permissions = [("decide_planrequest", "Can approve and decline plan requests")]

    def __str__(self) -> str:
        return self.public_id
