"""Phone tokens: records, found by transaction or number; a number is shown in full when asked for."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import ExpressionWrapper, F, Q, TextField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from portal.admin.base import ReadOnlyAdmin
from portal.admin.export import Columns
from portal.admin.search import phone_tokens
from portal.admin.show import code, list_link, moment, when
from portal.core.errors import Unavailable
from portal.core.phone_numbers import masked
from portal.core.sealing import unseal
from portal.models import AuditEvent, PhoneToken
from portal.services.actors import actor_of_user
from portal.services.audit import Action
from portal.services.phone_tokens import show_numbers
from tokens.durations import format_duration

OFF = "The service is off until TOKEN_SERVICE_ISSUER and TOKEN_SERVICE_KEY are both set."
UNREADABLE = "Unreadable: its sealing key is missing"
SHOWINGS_READ = 2_000
"""So many entries are looked through for a record: each names up to 200, and no index holds them."""


def _masked(sealed_number: str) -> str:
    try:
        return masked(unseal(sealed_number).reveal())
    except Unavailable:
        return UNREADABLE


class _MaskedNumber(TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A sealed number that is masked as it is read: a file of numbers never holds one in full."""

    def from_db_value(self, value: str, expression: Any, connection: Any) -> str:
        return _masked(value)


@admin.register(PhoneToken)
class PhoneTokenAdmin(ReadOnlyAdmin):
    change_form_template = "admin/portal/phone_token.html"
    list_display = ("transaction", "number", "ordinal_shown", "issued", "expires", "short_fingerprint")
    search_fields = ("xid",)
    search_help_text = "A whole transaction id (xid), or a whole number with its country code."
    preserve_filters = False  # a page's address would hold the number that was searched for
    empty_title = "No phone tokens yet"
    empty_text = "A record appears here whenever a backend fetches a token."
    fieldsets = (
        (None, {"fields": ("transaction_shown", "number", "ordinal_of_all")}),
        ("Token", {"fields": ("issued_shown", "expires_shown", "fingerprint_shown", "caller")}),
    )
    history_note = (
        f"Looked for in the newest {SHOWINGS_READ:,} entries {Action.PHONE_NUMBERS_SHOWN}; "
        "the list of audit events has them all."
    )

    # Lists

    def matches(self, term: str) -> Q:
        return phone_tokens(term)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        kept = format_duration(settings.TOKEN_SERVICE_RETENTION)
        subtitle = f"What is kept, for {kept}, of each token given out under /v1/token. Numbers are masked."
        if settings.TOKEN_SERVICE is None:
            subtitle = f"{subtitle} {OFF}"
        return super().changelist_view(request, {"list_subtitle": subtitle, **(extra_context or {})})

    def export_columns(self) -> Columns:
        return {
            "xid": "xid", "number": ExpressionWrapper(F("sealed_number"), output_field=_MaskedNumber()),
            "token_of_transaction": "ordinal", "issued_at": "issued_at", "expires_at": "expires_at",
        }  # fmt: skip

    # Names and history

    def name_of(self, found: PhoneToken) -> str:
        return f"Phone token {found.pk}"

    def events_about(self, found: PhoneToken) -> list[AuditEvent]:
        """Entries name many records at once."""
        events = AuditEvent.objects.filter(action=Action.PHONE_NUMBERS_SHOWN).order_by("-id")
        return [event for event in events[:SHOWINGS_READ] if found.pk in event.detail.get("records", ())]

    # Showing a number

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.number_view)
        return [path("<int:object_id>/number/", view, name="portal_phonetoken_number"), *super().get_urls()]

    @method_decorator(require_POST)
    def number_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The number in full, on this answer and nowhere else. The audit log has it first."""
        found = self._seen(request, str(object_id))
        if not self.has_show_permission(request):
            raise PermissionDenied
        try:
            number = found.e164
        except Unavailable as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:portal_phonetoken_change", args=[found.pk]))
        show_numbers(actor_of_user(request.user), [found])  # type: ignore[arg-type]  # signed in
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": found,
            "name": self.name_of(found), "title": "Phone number", "number": number,
        }  # fmt: skip
        response = TemplateResponse(request, "admin/portal/phone_number.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def has_show_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portal.show_phone_number")

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["may_show_number"] = self.has_show_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    # Columns and details

    @admin.display(description="Transaction (xid)")
    def transaction(self, token: PhoneToken) -> SafeString:
        return format_html('<span class="id">{}</span>', token.xid)

    @admin.display(description="Transaction (xid)")
    def transaction_shown(self, token: PhoneToken) -> SafeString | str:
        return code(token.xid)

    @admin.display(description="Number")
    def number(self, token: PhoneToken) -> str:
        return _masked(token.sealed_number)

    @admin.display(description="Token no.")
    def ordinal_shown(self, token: PhoneToken) -> int:
        return token.ordinal

    @admin.display(description="Token no.")
    def ordinal_of_all(self, token: PhoneToken) -> SafeString | str:
        last = PhoneToken.objects.filter(xid=token.xid).order_by("-ordinal").values_list("ordinal", flat=True)
        if (number := last[0]) == 1:
            return "1, the only one of its transaction"
        return format_html("{} of {} · {}", token.ordinal, number, _of_transaction(token))

    @admin.display(description="Issued")
    def issued(self, token: PhoneToken) -> SafeString | str:
        return when(token.issued_at)

    @admin.display(description="Issued")
    def issued_shown(self, token: PhoneToken) -> SafeString | str:
        return moment(token.issued_at)

    @admin.display(description="Expires")
    def expires(self, token: PhoneToken) -> SafeString | str:
        return when(token.expires_at)

    @admin.display(description="Expires")
    def expires_shown(self, token: PhoneToken) -> SafeString | str:
        return moment(token.expires_at)

    @admin.display(description="Fingerprint")
    def short_fingerprint(self, token: PhoneToken) -> SafeString | str:
        return code(f"{token.fingerprint[:12]}…")

    @admin.display(description="Fingerprint")
    def fingerprint_shown(self, token: PhoneToken) -> SafeString | str:
        return format_html('{} <span class="quiet">SHA-256 of the token</span>', code(token.fingerprint))

    @admin.display(description="Caller")
    def caller(self, token: PhoneToken) -> SafeString | str:
        return format_html(
            '{} <span class="quiet">a hash, the same for the same address</span>', code(token.client_hash)
        )


def _of_transaction(token: PhoneToken) -> SafeString:
    return list_link(PhoneToken, "All of this transaction", q=token.xid)
