"""``/settings/tokens/{id}/revoke``: a page that asks, and the change."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.core.errors import NotFound
from portal.models import ManagementToken
from portal.services.access_tokens import revoke_access_token
from portal.web.settings.access_tokens.listing import in_words
from portal.web.visits import Visit, customers_page, show


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def revoke(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    """A token that was revoked already is none that anybody can see: the list says all there is to say."""
    token: ManagementToken | None = (
        ManagementToken.objects.filter(customer__memberships__user=visit.user, public_id=id)
        .select_related("customer")
        .first()
    )
    if token is None or token.customer is None:
        raise NotFound("access token")
    visit = visit.at(token.customer.public_id)
    visit.actor.require("access_tokens:write", visit.customer.pk)
    if request.method != "POST" and token.revoked_at is None:
        context = {"token": token, "scopes": in_words(token.scopes)}
        return show(request, visit, "portal/settings/revoke_access_token.html", context)
    if token.revoked_at is None:
        _revoke(visit, token)
    messages.success(
        request, _("“%(name)s” is revoked. It works nowhere any more.") % {"name": token.name or id}
    )
    return redirect("access-tokens")


def _revoke(visit: Visit, token: ManagementToken) -> None:
    try:
        revoke_access_token(visit.actor, token.pk)
    except NotFound:
        return  # somebody did a moment ago: what was wanted is so
