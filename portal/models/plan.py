"""A plan: what its customers' keys may be. A subscription: a customer on a plan."""

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from portal.core.ids import new_id
from portal.models.visible import CustomerScoped
from tokens.durations import parse_duration

if TYPE_CHECKING:
    from portal.core.actor import Actor


def _new_id() -> str:
    return new_id("sub")


class PlanQuerySet(models.QuerySet["Plan"]):
    def visible_to(self, actor: "Actor") -> Self:
        """All for staff; for others the catalogue, the default plan and what their customers are on."""
        reach = actor.reach("plans:read")
        if reach is None:
            return self
        theirs = Subscription.objects.filter(customer_id__in=sorted(reach)).live()
        return self.filter(Q(listed=True) | Q(slug=Plan.DEFAULT) | Q(pk__in=theirs.values("plan")))


class Plan(models.Model):
    DEFAULT = "default"

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    description = models.CharField(
        max_length=300, blank=True, db_default="", help_text="One sentence for the catalogue."
    )
    listed = models.BooleanField(
        "in the catalogue", default=True, db_default=True,
        help_text="Customers see it and may ask for it. Those who are on it see it in any case.",
    )  # fmt: skip
    max_keys = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no limit.")
    max_lifetime = models.CharField(
        max_length=32, blank=True, help_text="Longest life of a key: 90d, 12h, 1y. Empty: no limit."
    )
    scopes = models.JSONField(default=list, blank=True, help_text="Scopes that keys may have.")
    requires_subscription = models.BooleanField(default=False)
    plugins = models.JSONField(default=list, blank=True, help_text="Plugin slugs. Empty list: all enabled.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def longest_life(self) -> timedelta | None:
        """``max_lifetime`` as a time span; None when there is no limit."""
        return parse_duration(self.max_lifetime) if self.max_lifetime else None


class SubscriptionQuerySet(CustomerScoped["Subscription"]):
    def live(self) -> Self:
        """Subscriptions that entitle their customer to keys."""
        return self.filter(status__in=Subscription.LIVE)


class Subscription(models.Model):
    class Status(models.TextChoices):
        TRIALING = "trialing", "Trialing"
        ACTIVE = "active", "Active"
        PAST_DUE = "past_due", "Past due"
        CANCELLED = "cancelled", "Cancelled"

    LIVE = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE)

    public_id = models.CharField(max_length=40, unique=True, default=_new_id, editable=False)
    customer = models.ForeignKey(
        "portal.Customer", models.CASCADE, related_name="subscriptions", db_index=False
    )
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="subscriptions")
    external_id = models.CharField(
        "external id", max_length=255, blank=True, help_text="The billing system's id."
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer", "-id"], name="subscription_by_customer"),
            models.Index(fields=["status", "-id"], name="subscription_by_status"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["external_id"], condition=~Q(external_id=""), name="subscription_external_id_once"
            )
        ]

    def __str__(self) -> str:
        return self.public_id
