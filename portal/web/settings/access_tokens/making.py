"""``/settings/tokens/new``: making an access token, whose text the answer to the form shows once."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portal.core.errors import PortalError
from portal.core.problems import status_of
from portal.core.scopes import BOUND_SCOPES, SCOPES
from portal.services.access_tokens import create_access_token
from portal.web.forms import OnceForm, offer_choices
from portal.web.once import new_form_token, once
from portal.web.reauthentication import confirm_sign_in
from portal.web.visits import Visit, customers_page, posted_visit, show
from provisioning.secret import Secret

_LIFETIMES = (
    ("30", gettext_lazy("30 days")),
    ("90", gettext_lazy("90 days")),
    ("365", gettext_lazy("1 year")),
    ("never", gettext_lazy("Until it is revoked")),
)


class AccessTokenForm(OnceForm):
    customer = forms.CharField(max_length=64, widget=forms.HiddenInput)
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("Which script will use it: “deploy”, “nightly report”."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one thing that it may do.")},
        help_text=gettext_lazy("Choose no more than the script needs."),
    )
    expires = forms.ChoiceField(
        label=gettext_lazy("Works for"), choices=_LIFETIMES, initial="90",
    )  # fmt: skip

    def __init__(self, *args: Any, visit: Visit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [scope for scope in SCOPES if scope in BOUND_SCOPES and visit.may(scope)]
        label = "<span>{} <code>{}</code></span>"
        offer_choices(
            self, "scopes", [(scope, format_html(label, _(SCOPES[scope]), scope)) for scope in offered]
        )

    def wanted(self) -> dict[str, Any]:
        """The valid form as arguments of ``create_access_token``."""
        values = self.cleaned_data
        days = None if values["expires"] == "never" else timedelta(days=int(values["expires"]))
        return {"name": values["name"], "scopes": sorted(values["scopes"]), "expires_in": days}


@require_http_methods(["GET", "HEAD", "POST"])
@customers_page
def new_access_token(request: HttpRequest, visit: Visit) -> HttpResponse:
    visit = posted_visit(request, visit)
    visit.actor.require("access_tokens:write", visit.customer.pk)
    if not visit.actor.recent_sign_in:
        told = _("Confirm that it is you: the next page leads to something secret. Nothing was created yet.")
        return confirm_sign_in(request, told, reverse("new-access-token"))
    if request.method != "POST":
        initial = {"form_token": new_form_token(), "customer": visit.customer.public_id}
        return _page(request, visit, AccessTokenForm(initial=initial, visit=visit))
    form = AccessTokenForm(request.POST, visit=visit)
    if not form.is_valid():
        return _page(request, visit, form, status=422)
    try:
        return _made(request, visit, form)
    except PortalError as refusal:
        form.add_error(None, refusal.detail)
        return _page(request, visit, form, status=status_of(refusal))


def _page(request: HttpRequest, visit: Visit, form: AccessTokenForm, *, status: int = 200) -> HttpResponse:
    return show(request, visit, "portal/settings/new_access_token.html", {"form": form}, status=status)


def _made(request: HttpRequest, visit: Visit, form: AccessTokenForm) -> HttpResponse:
    """The one answer that holds the token's text, kept nowhere; the form sent again gets another page."""
    wanted, texts = form.wanted(), list[Secret]()

    def make() -> str:
        token, text = create_access_token(visit.actor, owner=visit.user, customer=visit.customer, **wanted)
        texts.append(text)
        return token.public_id

    path = f"/settings/tokens/new {visit.customer.public_id}"
    public_id, made_now = once(visit.actor, path, form.cleaned_data["form_token"], wanted, make)
    context = {"id": public_id, "name": wanted["name"]}
    if not made_now:
        return show(request, visit, "portal/settings/access_token_shown.html", context, status=410)
    (text,) = texts
    context |= {"text": text.reveal(), "curl": _first_call(wanted["scopes"])}
    return show(request, visit, "portal/settings/access_token_secret.html", context)


_LISTS = {
    "keys:read": "keys", "customers:read": "customers", "operations:read": "operations",
    "plugins:read": "plugins", "plans:read": "plans", "audit:read": "events",
    "access_tokens:read": "access-tokens",
}  # fmt: skip


def _first_call(scopes: list[str]) -> str:
    """A command that reads a list which the token may read; empty when it may read none."""
    path = next((path for scope, path in _LISTS.items() if scope in scopes), "")
    address = f"{settings.PORTAL_BASE_URL}/api/v1/{path}"
    return f'curl {address} \\\n  -H "Authorization: Bearer $ACCESS_TOKEN"' if path else ""
