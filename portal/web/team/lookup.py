"""Which customer a form of the team's pages is about, and which of its people."""

import re

from django.http import HttpRequest

from portal.core.errors import NotFound
from portal.models import Membership
from portal.web.visits import Visit, posted_visit

_PUBLIC_ID = re.compile(r"[A-Za-z0-9_]{1,40}")


def managed(request: HttpRequest, visit: Visit) -> Visit:
    """The visit of somebody who manages people; raises ``NotAllowed`` for others."""
    visit = posted_visit(request, visit)
    visit.actor.require("customers:write", visit.customer.pk)
    return visit


def member_of(visit: Visit, public_id: str) -> Membership:
    """The current customer's member of that id; raises ``NotFound``."""
    found = Membership.objects.select_related("user").filter(customer=visit.customer)
    membership = found.filter(user__public_id=public_id).first()
    if membership is None:
        raise NotFound("member")
    membership.customer = visit.customer
    return membership


def as_public_id(text: str) -> str:
    """The text if it may be a public id, else nothing: databases refuse some characters loudly."""
    return text if _PUBLIC_ID.fullmatch(text) else ""
