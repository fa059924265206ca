"""Removing a member, and rotating the keys that they know: in the same step, or later."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.core.errors import NotFound, PortalError
from portal.core.problems import status_of
from portal.models import Membership, User
from portal.services.keys.known import keys_known_to
from portal.services.members import remove_member
from portal.web.once import new_form_token, once
from portal.web.team.forms import RotateManyForm
from portal.web.team.known import KnownKeys, Report, chosen_keys, known_keys, rotate_chosen, tell
from portal.web.team.lookup import managed, member_of
from portal.web.team.roles import called
from portal.web.visits import Visit, customers_page, show


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def remove(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    """The removal commits first; then each key that was chosen is rotated, and what became of it told."""
    visit = managed(request, visit)
    if id == visit.user.public_id:
        return redirect("leave-team")
    form = _form(request)
    if request.method != "POST" or not form.is_valid():
        return _ask(request, visit, id, form, status=200 if request.method != "POST" else 422)
    person, chosen = _person(id), chosen_keys(request)
    if chosen:
        visit.actor.require("keys:write", visit.customer.pk)
    try:
        _remove_once(visit, person, form)
    except NotFound:
        raise
    except PortalError as exc:
        form.add_error(None, exc.detail)
        return _ask(request, visit, id, form, status=status_of(exc))
    words = _("%(name)s is no longer a member of %(customer)s.")
    messages.success(request, words % {"name": called(person), "customer": visit.customer})
    tell(request, _rotate(visit, form, chosen))
    if keys_known_to(visit.customer, person).filter(retires_at=None).exists():
        return redirect("known-keys", id=id)
    return redirect("keys" if chosen else "team")


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def rotate_known(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    """The keys that a member or former member knows, some on each page."""
    visit = managed(request, visit)
    person = _person(id)
    known = known_keys(visit.customer, person, before=request.GET.get("before", ""))
    is_member = Membership.objects.filter(customer=visit.customer, user=person).exists()
    if not is_member and not known.total:
        raise NotFound("member")
    form = _form(request)
    if request.method == "POST" and form.is_valid():
        visit.actor.require("keys:write", visit.customer.pk)
        tell(request, _rotate(visit, form, chosen_keys(request)))
        return redirect(request.get_full_path())
    context = {**_about(request, person, known, form), "is_member": is_member}
    status = 200 if request.method != "POST" else 422
    return show(request, visit, "portal/team/known.html", context, status=status)


def _ask(request: HttpRequest, visit: Visit, id: str, form: RotateManyForm, *, status: int) -> HttpResponse:
    person = member_of(visit, id).user
    context = _about(request, person, known_keys(visit.customer, person), form)
    return show(request, visit, "portal/team/remove.html", context, status=status)


def _about(request: HttpRequest, person: User, known: KnownKeys, form: RotateManyForm) -> dict[str, Any]:
    chosen = chosen_keys(request)
    for row in known.rows:
        row["checked"] = row["key"].public_id in chosen if request.method == "POST" else True
    return {"person": person, "name": called(person), "known": known, "form": form}


def _form(request: HttpRequest) -> RotateManyForm:
    posted = request.POST if request.method == "POST" else None
    return RotateManyForm(posted, initial={"form_token": new_form_token()})


def _person(public_id: str) -> User:
    person = User.objects.filter(public_id=public_id).first()
    if person is None:
        raise NotFound("member")
    return person


def _remove_once(visit: Visit, person: User, form: RotateManyForm) -> None:
    def change() -> str:
        remove_member(visit.actor, visit.customer.pk, person.pk)
        return person.public_id

    path = f"/team/members/{person.public_id}/remove {visit.customer.public_id}"
    once(visit.actor, path, form.cleaned_data["form_token"], {}, change)


def _rotate(visit: Visit, form: RotateManyForm, chosen: list[str]) -> Report:
    return rotate_chosen(visit, chosen, overlap=form.wanted(), token=form.cleaned_data["form_token"])
