"""``/plans``: the customer's plan, how much of it is used, and which others there are."""

from django.db.models import Subquery
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.core.errors import NotFound
from portal.models import IssuedKey, Plan, PlanRequest
from portal.services.plans import effective_plan
from portal.web.plans.offers import offer
from portal.web.visits import Visit, customers_page, show

PAGE = 24


@require_safe
@customers_page
def plans(request: HttpRequest, visit: Visit) -> HttpResponse:
    current, subscription = effective_plan(visit.customer)
    after = request.GET.get("after", "")
    listed = Plan.objects.filter(listed=True).exclude(pk=current.pk).order_by("pk")
    page = list((listed.filter(pk__gt=_place(after)) if after else listed)[: PAGE + 1])
    if after and not page:
        raise NotFound("page")
    context = {
        "current": offer(current, current),
        "subscription": subscription,
        "offers": [offer(plan, current) for plan in page[:PAGE]],
        "first_url": "/plans" if after else "",
        "next_url": f"/plans?after={page[PAGE - 1].slug}" if len(page) > PAGE else "",
        "in_use": IssuedKey.objects.filter(customer=visit.customer).counted().count(),
        "latest": _latest(visit),
        "may_ask": visit.may_manage and visit.customer.status in ("active", "pending"),
    }
    return show(request, visit, "portal/plans/catalogue.html", context)


def _place(slug: str) -> Subquery:
    """Where the page before ended."""
    return Subquery(Plan.objects.filter(slug=slug).values("pk"))


def _latest(visit: Visit) -> PlanRequest | None:
    """The customer's newest request, of which the page tells; one that was withdrawn needs no words."""
    requests = PlanRequest.objects.visible_to(visit.actor, "plans:read").filter(customer=visit.customer)
    newest: PlanRequest | None = requests.select_related("plan", "asked_by").order_by("-id").first()
    return newest if newest is None or newest.status != PlanRequest.Status.WITHDRAWN else None
