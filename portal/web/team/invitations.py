"""``/team/invite``, and sending again and withdrawing what was sent."""

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from portal.core.errors import LimitReached, PortalError
from portal.services.invitations import invite, resend_invitation, withdraw_invitation
from portal.services.members import roles_to_give
from portal.web.once import new_form_token, once
from portal.web.team.forms import InviteForm
from portal.web.team.lookup import managed
from portal.web.visits import Visit, customers_page, show


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def invite_people(request: HttpRequest, visit: Visit) -> HttpResponse:
    visit = managed(request, visit)
    roles = roles_to_give(visit.actor, visit.customer)
    if request.method != "POST":
        form = InviteForm(roles=roles, initial={"form_token": new_form_token()})
        return show(request, visit, "portal/team/invite.html", {"form": form})
    form = InviteForm(request.POST, roles=roles)
    if form.is_valid():
        sent, refused = _invite(visit, form)
        if sent:
            _report(request, sent, refused)
            return redirect("team")
        for refusal in refused:
            form.add_error("emails", refusal)
    return show(request, visit, "portal/team/invite.html", {"form": form}, status=422)


def _invite(visit: Visit, form: InviteForm) -> tuple[list[str], list[str]]:
    """The addresses invited, and a sentence for each that wasn't; the same again for a form sent twice."""
    wanted = {"emails": form.cleaned_data["emails"], "role": form.cleaned_data["role"]}

    def change() -> str:
        sent, refused = [], []
        for email in wanted["emails"]:
            try:
                invite(visit.actor, visit.customer.pk, email=email, role=wanted["role"])
                sent.append(email)
            except PortalError as exc:
                refused.append(_("%(email)s: %(why)s") % {"email": email, "why": exc.detail})
        return json.dumps([sent, refused])

    path = f"/team/invite {visit.customer.public_id}"
    made, _now = once(visit.actor, path, form.cleaned_data["form_token"], wanted, change)
    sent, refused = json.loads(made)
    return sent, refused


def _report(request: HttpRequest, sent: list[str], refused: list[str]) -> None:
    words = ngettext(
        "The invitation is on its way to %(emails)s.",
        "%(number)d invitations are on their way: %(emails)s.",
        len(sent),
    ) % {"number": len(sent), "emails": ", ".join(sent)}
    messages.success(request, words)
    for refusal in refused:
        messages.warning(request, refusal)


@require_POST
@customers_page
def resend(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    visit = managed(request, visit)
    try:
        invitation = resend_invitation(visit.actor, visit.customer.pk, id)
    except LimitReached as exc:
        messages.warning(request, exc.detail)
        return redirect("team")
    words = _("Another mail is on its way to %(email)s. Links in earlier mails don't work any more.")
    messages.success(request, words % {"email": invitation.email})
    return redirect("team")


@require_POST
@customers_page
def withdraw(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    visit = managed(request, visit)
    invitation = withdraw_invitation(visit.actor, visit.customer.pk, id)
    words = _("The invitation to %(email)s is withdrawn: its link doesn't work any more.")
    messages.success(request, words % {"email": invitation.email})
    return redirect("team")
