"""Every queryset starts at the tenant."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from portal.core.actor import Actor


def reach_filter(reach: Collection[int] | None, field: str) -> Q:
    """Rows of the customers within reach; None stands for all customers."""
    return Q() if reach is None else Q(**{f"{field}__in": sorted(reach)})


Row = TypeVar("Row", bound=models.Model, covariant=True)


class CustomerScoped(models.QuerySet[Row]):
    """For rows that belong to a customer through ``customer``."""

    def visible_to(self, actor: "Actor", scope: str) -> Self:
        return self.filter(reach_filter(actor.reach(scope), "customer_id"))
