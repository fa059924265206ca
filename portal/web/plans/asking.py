"""Asking for another plan, and taking that back."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from portal.core.errors import Conflict, NotFound
from portal.core.problems import status_of
from portal.models import IssuedKey, Plan, PlanRequest
from portal.services.plan_requests import ask_for_plan, withdraw_plan_request
from portal.services.plans import effective_plan
from portal.web.plans.offers import offer
from portal.web.visits import Visit, customers_page, posted_visit, show


class AskForm(forms.Form):
    customer = forms.CharField(max_length=64, widget=forms.HiddenInput)
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=500,
        required=False,
        help_text=gettext_lazy(
            "What helps us to decide: what you build, how many keys you need, from when on."
        ),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def ask(request: HttpRequest, visit: Visit, slug: str) -> HttpResponse:
    visit = posted_visit(request, visit)
    visit.actor.require("customers:write", visit.customer.pk)
    plan = Plan.objects.filter(slug=slug, listed=True).first()
    if plan is None:
        raise NotFound("plan")
    form = AskForm(
        request.POST if request.method == "POST" else None, initial={"customer": visit.customer.public_id}
    )
    status = 422 if request.method == "POST" else 200
    if form.is_valid():
        try:
            ask_for_plan(
                visit.actor, visit.customer.pk, plan=slug, asked_by=visit.user,
                note=form.cleaned_data["note"],
            )  # fmt: skip
            return redirect("plans")  # which tells of it
        except Conflict as refusal:
            form.add_error(None, refusal.detail)
            status = status_of(refusal)
    return _page(request, visit, plan, form, status)


def _page(request: HttpRequest, visit: Visit, plan: Plan, form: AskForm, status: int) -> HttpResponse:
    current, _subscription = effective_plan(visit.customer)
    in_use = IssuedKey.objects.filter(customer=visit.customer).counted().count()
    context = {
        "form": form,
        "offer": offer(plan, current),
        "current": current,
        "in_use": in_use,
        "too_many": plan.max_keys is not None and in_use > plan.max_keys,
    }
    return show(request, visit, "portal/plans/ask.html", context, status=status)


@require_POST
@customers_page
def withdraw(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    found = PlanRequest.objects.visible_to(visit.actor, "plans:read").filter(
        public_id=id, customer__memberships__user=visit.user
    )
    wish = found.first()
    if wish is None:
        raise NotFound("plan request")
    visit.actor.require("customers:write", wish.customer_id)
    try:
        withdraw_plan_request(visit.actor, wish.pk)
        messages.success(request, _("Your request is withdrawn."))
    except Conflict as refusal:
        messages.error(request, refusal.detail)
    return redirect("plans")
