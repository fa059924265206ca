"""``/keys/new``: asking for a key."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from portal.core.errors import PortalError
from portal.core.problems import status_of
from portal.services.keys.request import request_key
from portal.web.keys.allowance import allowance_of
from portal.web.keys.detail import visible_key
from portal.web.keys.forms import NewKeyForm, like_key
from portal.web.once import issue_once, new_form_token
from portal.web.visits import Visit, customers_page, posted_visit, show


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def new_key(request: HttpRequest, visit: Visit) -> HttpResponse:
    """With ``?like=key_…`` the form comes filled in as that key was asked for, at its customer."""
    if request.method == "POST":
        return _create(request, posted_visit(request, visit))
    initial: dict[str, Any] = {"form_token": new_form_token()}
    if "like" in request.GET:
        visit, like = visible_key(visit, request.GET["like"])
        initial |= like_key(like)
    visit.actor.require("keys:write", visit.customer.pk)
    allowance = allowance_of(visit.customer)
    initial["customer"] = visit.customer.public_id
    obstacle = allowance.obstacle
    form = NewKeyForm(plan=allowance.plan, initial=initial) if obstacle is None else None
    context = {"allowance": allowance, "obstacle": obstacle, "form": form}
    return show(request, visit, "portal/keys/new.html", context)


def _create(request: HttpRequest, visit: Visit) -> HttpResponse:
    visit.actor.require("keys:write", visit.customer.pk)
    allowance = allowance_of(visit.customer)
    form = NewKeyForm(request.POST, plan=allowance.plan)
    status, obstacle = 422, None
    if form.is_valid():
        try:
            return redirect("key", id=_issue(visit, form))
        except PortalError as exc:
            status, obstacle = status_of(exc), allowance.obstacle
            _explain(form, exc)
    context = {"allowance": allowance, "obstacle": obstacle, "form": form}
    return show(request, visit, "portal/keys/new.html", context, status=status)


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
