"""How often a customer's keys were verified at the portal, by day."""

from django.db import models


class DailyUse(models.Model):
    """Keys that gateways verify by themselves leave no trace here."""

    customer = models.ForeignKey("portal.Customer", models.CASCADE, related_name="daily_uses", db_index=False)
    day = models.DateField(help_text="In UTC.")
    verifications = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "day"], name="one_use_a_customer_and_day")]
        indexes = [models.Index(fields=["day"], name="daily_use_by_day")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.day}"
