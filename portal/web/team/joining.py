"""``/invitations/{token}``: what the link in a mail opens. Nothing changes before a button is pressed."""

from functools import wraps
from typing import Any, Protocol
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.core.errors import NotFound, PortalError
from portal.models import Invitation, User
from portal.services.joining import Ended, accept_invitation, has_account, is_addressed_to, opened_invitation
from portal.web.accounts.invited import note_invitation
from portal.web.team.roles import MEANING, ROLES, called
from portal.web.visits import CURRENT_CUSTOMER


class _Page(Protocol):
    def __call__(self, request: HttpRequest, token: str) -> HttpResponse: ...


def _kept_private(view: _Page) -> _Page:
    """The path is a credential: no cache keeps the page, and no other page is told where its visitor was.

    Not ``no-referrer``: under that, browsers send forms with ``Origin: null``, which the CSRF check refuses.
    """

    @wraps(view)
    def page(request: HttpRequest, token: str) -> HttpResponse:
        response = view(request, token)
        response["Referrer-Policy"] = "strict-origin"
        response["Cache-Control"] = "no-store, private"
        return response

    return page


@_kept_private
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    try:
        found, ended = opened_invitation(token)
    except NotFound:
        return render(request, "portal/team/wrong_link.html", status=404)
    user = request.user if isinstance(request.user, User) else None
    for_you = user is not None and is_addressed_to(found, user)
    if request.method == "POST" and (ended is None or ended is Ended.ACCEPTED):
        if user is not None and for_you:
            return _join(request, user, found)
        if user is None and ended is None and not has_account(found):
            return _sign_up(request, found)
    return _page(request, found, ended, for_you=for_you)


def _page(request: HttpRequest, found: Invitation, ended: Ended | None, *, for_you: bool) -> HttpResponse:
    context: dict[str, Any] = {
        "invitation": found,
        "inviter": called(found.invited_by) if found.invited_by else "",
        "role": ROLES[found.role],
        "meaning": MEANING[found.role],
        "for_you": for_you,
    }
    if ended is not None:
        context["ended"] = ended.value
        return render(request, "portal/team/ended.html", context, status=410)
    if not isinstance(request.user, User):
        context["has_account"] = has_account(found)
        context["sign_in_url"] = f"{reverse('account_login')}?{urlencode({'next': request.path})}"
    return render(request, "portal/team/invitation.html", context)


def _join(request: HttpRequest, user: User, found: Invitation) -> HttpResponse:
    try:
        membership = accept_invitation(user, found)
    except PortalError as exc:  # it ended between two looks: the page says how
        messages.warning(request, exc.detail)
        return redirect(request.path)
    request.session[CURRENT_CUSTOMER] = found.customer.public_id
    words = _("You are in: you belong to %(customer)s as %(role)s.")
    messages.success(request, words % {"customer": found.customer, "role": ROLES[membership.role]})
    return redirect("dashboard")


def _sign_up(request: HttpRequest, found: Invitation) -> HttpResponse:
    """To the page that makes an account: it lets in who holds the link, with the address that was invited."""
    note_invitation(request, found)
    return redirect("account_signup")
