"""``/team``: who belongs to the customer, who is invited, and what roles may do."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.core.clock import now
from portal.models import Invitation, Membership
from portal.services.invitations import MOST_OPEN
from portal.web.paging import position_of
from portal.web.team.roles import ROLES, abilities, called
from portal.web.visits import Visit, customers_page, show
from portal.web.words import breakable

PAGE = 50


@require_safe
@customers_page
def team(request: HttpRequest, visit: Visit) -> HttpResponse:
    wanted = request.GET.get("q", "").replace("\0", "").strip()[:100]
    after = request.GET.get("after", "")
    members = Membership.objects.filter(customer=visit.customer)
    matching = members.filter(Q(user__name__icontains=wanted) | Q(user__email__icontains=wanted))
    found = matching if wanted else members
    position = position_of(members, after, field="user__public_id") if after else None
    page = list(found.filter(pk__gt=position or 0).select_related("user").order_by("pk")[: PAGE + 1])
    context = {
        "rows": [_row(visit, membership) for membership in page[:PAGE]],
        "total": members.count(),
        "wanted": wanted,
        "first_url": _url(wanted) if position else "",
        "next_url": _url(wanted, page[PAGE - 1].user.public_id) if len(page) > PAGE else "",
        "invitations": [] if position else _invitations(visit, wanted),
        "my_role": ROLES[visit.current.role],
        "roles": ROLES.values(),
        "abilities": abilities(),
    }
    return show(request, visit, "portal/team/list.html", context)


def _row(visit: Visit, membership: Membership) -> dict[str, Any]:
    return {
        "membership": membership,
        "user": membership.user,
        "name": called(membership.user),
        "email": breakable(membership.user.email) if membership.user.name else "",
        "role": ROLES[membership.role],
        "is_you": membership.user_id == visit.user.pk,
    }


def _invitations(visit: Visit, wanted: str) -> list[dict[str, Any]]:
    """Those that can be accepted, which ``MOST_OPEN`` bounds, and the last ones that expired."""
    found = Invitation.objects.filter(customer=visit.customer, email__icontains=wanted).unanswered()
    page = found.select_related("invited_by").order_by("-expires_at", "-pk")[:MOST_OPEN]
    return [
        {
            "invitation": invitation,
            "email": breakable(invitation.email),
            "role": ROLES[invitation.role],
            "inviter": called(invitation.invited_by) if invitation.invited_by else "",
            "expired": invitation.expires_at <= now(),
        }
        for invitation in page
    ]


def _url(wanted: str, after: str = "") -> str:
    query = urlencode({name: value for name, value in (("q", wanted), ("after", after)) if value})
    return f"{reverse('team')}?{query}" if query else reverse("team")
