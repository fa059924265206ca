"""``/keys/{id}/reveal``: the one answer that holds the secret."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.core.errors import NotAllowed
from portal.services.keys.reveal import reveal_key
from portal.web.keys.detail import changeable_key
from portal.web.keys.quickstart import quickstart
from portal.web.keys.words import Part, parts_of
from portal.web.reauthentication import confirm_sign_in
from portal.web.visits import Visit, customers_page, show


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def reveal(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    """Rendered as the answer to the POST and kept nowhere: reloading can't show it again."""
    visit, key = changeable_key(visit, id)
    if request.method != "POST":
        return redirect("key", id=id)
    try:
        secret = reveal_key(visit.actor, key.pk)
    except NotAllowed as exc:
        if exc.code != "recent_sign_in_required":
            raise
        told = _("Confirm first, then press “Reveal the secret” once more.")
        return confirm_sign_in(request, told, reverse("key", args=[id]))
    context = {"key": key, "parts": _parts(secret), "quickstart": quickstart(key)}
    return show(request, visit, "portal/keys/secret.html", context)


def _parts(secret: Any) -> list[Part]:
    return parts_of(secret) if isinstance(secret, dict) else [Part("secret", _("Secret"), str(secret))]
