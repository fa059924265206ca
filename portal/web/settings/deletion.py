"""``/settings/data/delete``: the end of one's account."""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.core.errors import PortalError
from portal.core.problems import status_of
from portal.services.leaving import delete_account, partings_of
from portal.web.forms import ConfirmedByTyping
from portal.web.reauthentication import confirm_sign_in
from portal.web.settings.person import Person, personal_page, show_person


@require_http_methods(["GET", "HEAD", "POST"])
@personal_page
def delete(request: HttpRequest, person: Person) -> HttpResponse:
    if not person.actor.recent_sign_in and not person.user.is_staff:
        told = _("Confirm that it is you. Nothing is deleted yet.")
        return confirm_sign_in(request, told, reverse("delete-account"))
    form = ConfirmedByTyping(request.POST if request.method == "POST" else None, name=person.user.email)
    status = 422 if request.method == "POST" else 200
    if form.is_valid():
        try:
            delete_account(person.actor, person.user)
        except PortalError as refusal:
            form.add_error(None, refusal.detail)
            status = status_of(refusal)
        else:
            logout(request)
            return redirect("goodbye")
    partings = partings_of(person.user)
    context = {
        "form": form,
        "partings": partings,
        "needs_owner": any(parting.needs_owner for parting in partings),
    }
    return show_person(request, person, "portal/settings/delete_account.html", context, status=status)


@require_safe
def goodbye(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("home")
    return render(request, "portal/settings/goodbye.html")
