"""``/keys/new``: asking for a key."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from portal.core.errors import PortalError
from portal.core.problems import status_of
from portal.services.keys.request import request_key
from portal.services.plans import effective_plan
from portal.web.keys.forms import NewKeyForm
from portal.web.once import issue_once, new_form_token
from portal.web.visits import Visit, customers_page, show


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def new_key(request: HttpRequest, visit: Visit) -> HttpResponse:
    if request.method == "POST":
        # The customer that the form was opened for, whatever another tab switched to meanwhile.
        visit = visit.at(request.POST.get("customer", ""))
    visit.actor.require("keys:write", visit.customer.pk)
    plan, _ = effective_plan(visit.customer)
    if request.method != "POST":
        form = NewKeyForm(
            plan=plan, initial={"form_token": new_form_token(), "customer": visit.customer.public_id}
        )
        return show(request, visit, "portal/keys/new.html", {"form": form})
    form = NewKeyForm(request.POST, plan=plan)
    status = 422
    if form.is_valid():
        try:
            return redirect("key", id=_issue(visit, form))
        except PortalError as exc:
            status = status_of(exc)
            _explain(form, exc)
    return show(request, visit, "portal/keys/new.html", {"form": form}, status=status)


def _issue(visit: Visit, form: NewKeyForm) -> str:
    customer, wanted = visit.customer, form.wanted()
    return issue_once(
        visit.actor, f"/keys/new {customer.public_id}", form.cleaned_data["form_token"], wanted,
        lambda: request_key(visit.actor, customer.pk, user=visit.user, **wanted),
    )  # fmt: skip


def _explain(form: NewKeyForm, error: PortalError) -> None:
    named = [name for name in error.errors if name in form.fields]
    for name in named:
        form.add_error(name, error.errors[name])
    if not named:
        form.add_error(None, error.detail)
