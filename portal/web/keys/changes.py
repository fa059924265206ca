"""``/keys/{id}/rotate`` and ``/keys/{id}/revoke``: a page that asks, and the change."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from portal.core.plugins import token_lifetime
from portal.models import IssuedKey
from portal.services.keys.revoke import revoke_key
from portal.services.keys.rotate import rotate_key
from portal.web.keys.detail import changeable_key
from portal.web.keys.forms import RevokeForm, RotateForm
from portal.web.once import issue_once, new_form_token
from portal.web.visits import Visit, customers_page, show
from portal.web.words import lasting


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def rotate(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    visit, key = changeable_key(visit, id)
    form = RotateForm(request.POST or None, initial={"form_token": new_form_token()})
    if request.method != "POST" or not form.is_valid():
        status = 200 if request.method != "POST" else 422
        return show(request, visit, "portal/keys/rotate.html", _context(key, form), status=status)
    overlap = form.wanted()
    successor = issue_once(
        visit.actor, f"/keys/{key.public_id}/rotate", form.cleaned_data["form_token"], {"overlap": overlap},
        lambda: rotate_key(visit.actor, key.pk, overlap=overlap, heir=visit.user),
    )  # fmt: skip
    return redirect("key", id=successor)


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def revoke(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    visit, key = changeable_key(visit, id)
    form = RevokeForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        status = 200 if request.method != "POST" else 422
        return show(request, visit, "portal/keys/revoke.html", _context(key, form), status=status)
    revoked = revoke_key(visit.actor, key.pk, reason=form.cleaned_data["reason"])
    if revoked.status == IssuedKey.Status.REVOKED:
        messages.success(request, f"{key.name} is revoked.")
    else:
        messages.info(request, f"{key.name} is being revoked: its gateway is being told.")
    return redirect("key", id=id)


def _context(key: IssuedKey, form: Form) -> dict[str, Any]:
    lifetime = token_lifetime(key.plugin)
    return {"key": key, "form": form, "tokens_live": lasting(lifetime) if lifetime else ""}
