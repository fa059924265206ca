"""One member's page with their role, leaving, and handing ownership over."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.core.errors import NotAllowed, PortalError
from portal.core.problems import status_of
from portal.models import Membership
from portal.services.keys.known import keys_known_to
from portal.services.members import remove_member, roles_to_give, transfer_ownership, update_member
from portal.web.once import new_form_token, once
from portal.web.reauthentication import confirm_sign_in
from portal.web.team.forms import HandOverForm, RoleForm
from portal.web.team.lookup import managed, member_of
from portal.web.team.roles import ROLES, called
from portal.web.visits import Visit, customers_page, posted_visit, show


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def one_member(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    visit = managed(request, visit)
    membership = member_of(visit, id)
    roles = roles_to_give(visit.actor, visit.customer)
    form = RoleForm(
        request.POST if request.method == "POST" else None, roles=roles, initial={"role": membership.role}
    )
    status = 200 if request.method != "POST" else 422
    if request.method == "POST" and form.is_valid():
        role = form.cleaned_data["role"]
        try:
            update_member(visit.actor, visit.customer.pk, membership.user_id, role=role)
        except PortalError as exc:
            status = status_of(exc)
            form.add_error(None, exc.detail)
        else:
            words = _("%(name)s is %(role)s now.")
            messages.success(request, words % {"name": called(membership.user), "role": ROLES[role]})
            return redirect("team")
    context = {
        **_about(visit, membership),
        "form": form,
        "may_change": membership.role in roles,
        "may_hand_over": visit.current.role == Membership.Role.OWNER and membership.user_id != visit.user.pk,
    }
    return show(request, visit, "portal/team/member.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def leave(request: HttpRequest, visit: Visit) -> HttpResponse:
    visit = posted_visit(request, visit)
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        try:
            remove_member(visit.actor, visit.customer.pk, visit.user.pk)
        except PortalError as exc:
            status, context["error"] = status_of(exc), exc.detail
        else:
            messages.success(request, _("You left %(customer)s.") % {"customer": visit.customer})
            return redirect("dashboard")
    context["known"] = keys_known_to(visit.customer, visit.user).count()
    return show(request, visit, "portal/team/leave.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def hand_over(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    visit = managed(request, visit)
    membership = member_of(visit, id)
    is_owner = visit.current.role == Membership.Role.OWNER
    if is_owner and not visit.actor.recent_sign_in:
        told = _("Confirm that it's you before you hand the customer over.")
        return confirm_sign_in(request, told, reverse("hand-over", args=[id]))
    form = HandOverForm(
        request.POST if request.method == "POST" else None,
        name=str(visit.customer),
        initial={"form_token": new_form_token()},
    )
    if request.method != "POST" and not is_owner:
        raise NotAllowed("owner_required", _("Only an owner can hand a customer over. Nothing was changed."))
    if request.method != "POST" or not form.is_valid():
        status = 200 if request.method != "POST" else 422
        context = {**_about(visit, membership), "form": form}
        return show(request, visit, "portal/team/hand_over.html", context, status=status)

    def change() -> str:
        heir = transfer_ownership(visit.actor, visit.customer.pk, membership.user_id)
        return heir.user.public_id

    path = f"/team/members/{id}/owner {visit.customer.public_id}"
    once(visit.actor, path, form.cleaned_data["form_token"], {}, change)
    words = _("%(name)s owns %(customer)s now, and you are an admin.")
    messages.success(request, words % {"name": called(membership.user), "customer": visit.customer})
    return redirect("team")


def _about(visit: Visit, membership: Membership) -> dict[str, Any]:
    return {
        "membership": membership,
        "person": membership.user,
        "name": called(membership.user),
        "role": ROLES[membership.role],
        "is_you": membership.user_id == visit.user.pk,
    }
