"""``/keys/{id}/reveal``: the one answer that holds the secret."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.core.errors import NotAllowed
from portal.services.keys.reveal import reveal_key
from portal.web.keys.detail import changeable_key
from portal.web.visits import Visit, customers_page, show

_LABELS = {
    "client_id": "Client ID", "client_secret": "Client secret", "token_url": "Token URL",
    "audience": "Audience",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One line of what the customer gets; an OAuth client has several."""

    name: str
    label: str
    text: str = field(repr=False)


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
        messages.info(request, "Confirm first, then press “Reveal the secret” once more.")
        return redirect(
            f"{reverse('account_reauthenticate')}?{urlencode({'next': reverse('key', args=[id])})}"
        )
    return show(request, visit, "portal/keys/secret.html", {"key": key, "parts": _parts(secret)})


def _parts(secret: Any) -> list[Part]:
    if isinstance(secret, dict):
        return [
            Part(str(name), _LABELS.get(str(name), str(name)), str(text)) for name, text in secret.items()
        ]
    return [Part("secret", "Secret", str(secret))]
