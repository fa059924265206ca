"""Lists are read page by page, from the newest on: a page begins below the last row of the one before."""

from typing import Any

from django.db.models import QuerySet

from portal.core.errors import NotFound


def position_of(rows: "QuerySet[Any]", public_id: str, *, field: str = "public_id") -> int:
    """The primary key of the row whose ``field`` is that id; raises ``NotFound`` when none of ``rows`` is.

    By id, never by time: rows of one instant would be passed over or shown twice.
    """
    position: int | None = None
    if public_id.isprintable():  # databases refuse some characters loudly
        position = rows.filter(**{field: public_id}).values_list("pk", flat=True).first()
    if position is None:  # foreign, made up, or past its retention by now
        raise NotFound("page")
    return position
