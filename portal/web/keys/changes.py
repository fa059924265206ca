"""``/keys/{id}/rotate`` and ``/keys/{id}/revoke``: a page that asks, and the change."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.core.plugins import token_lifetime
from portal.models import IssuedKey
from portal.services.keys.revoke import revoke_key
from portal.services.keys.rotate import rotate_key
from portal.web.keys.detail import changeable_key
from portal.web.keys.forms import RevokeForm, RotateForm
from portal.web.once import issue_once, new_form_token
from portal.web.visits import Visit, customers_page, show
from portal.web.words import from_now, lasting


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
    if request.method != "POST" and key.status not in IssuedKey.REVOCABLE:
        return redirect("key", id=id)
    form = RevokeForm(request.POST if request.method == "POST" else None, key=key)
    if request.method != "POST" or not form.is_valid():
        status = 200 if request.method != "POST" else 422
        context = {**_context(key, form), "consequences": _consequences(key)}
        return show(request, visit, "portal/keys/revoke.html", context, status=status)
    revoked = revoke_key(visit.actor, key.pk, reason=form.cleaned_data["reason"])
    if revoked.status == IssuedKey.Status.REVOKED:
        messages.success(request, _("“%(key)s” is revoked.") % {"key": key.name})
    elif revoked.status == IssuedKey.Status.REVOKING:
        told = _("“%(key)s” is being revoked: its gateway is being told.")
        messages.info(request, told % {"key": key.name})
    else:
        messages.info(request, _("“%(key)s” had ended already. Nothing was changed.") % {"key": key.name})
    return redirect("key", id=id)


def _context(key: IssuedKey, form: Form) -> dict[str, Any]:
    lifetime = token_lifetime(key.plugin)
    return {"key": key, "form": form, "tokens_live": lasting(lifetime) if lifetime else ""}


def _consequences(key: IssuedKey) -> list[str]:
    """Who refuses a revoked key, and how soon."""
    lifetime = token_lifetime(key.plugin)
    if lifetime:
        return [
            _("It gets no new access tokens once it is removed, usually within seconds."),
            _("Those fetched before work up to %(span)s longer.") % {"span": lasting(lifetime)},
        ]
    if not key.jti:
        return [
            _("Its gateway is told at once, usually within seconds. Should it not answer, we go on trying.")
        ]
    ends = from_now(key.expires_at) if key.expires_at else _("never")
    return [
        _("The portal, and gateways that ask it, refuse the key at once."),
        _("Gateways that verify keys by themselves and read our status list refuse it within %(span)s.")
        % {"span": lasting(settings.STATUS_LIST_TTL)},
        _("A gateway that does neither takes it until it expires: %(when)s.") % {"when": ends},
    ]
