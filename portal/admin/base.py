"""What all our lists and pages share: bounded lists, changes by services, audit as history."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from portal.admin.actions import ConfirmedAction, confirm
from portal.admin.export import Columns, export
from portal.admin.forms import Named, ServiceForm
from portal.admin.history import MOST, history_page
from portal.admin.paginator import BoundedPaginator
from portal.admin.show import describe
from portal.core.actor import Actor
from portal.core.errors import PortalError
from portal.models import AuditEvent
from portal.services.actors import actor_of_user

if TYPE_CHECKING:
    DjangoModelAdmin = admin.ModelAdmin[Any]
else:
    DjangoModelAdmin = admin.ModelAdmin


class PortalModelAdmin(DjangoModelAdmin):
    """``store`` is the one place where a page changes something, and it calls a service."""

    form = ServiceForm
    confirmed: tuple[ConfirmedAction, ...] = ()
    ordering = ("-id",)
    sortable_by = ()
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = BoundedPaginator
    change_list_template = "admin/portal/change_list.html"
    change_form_template = "admin/portal/change_form.html"
    object_history_template = "admin/portal/history.html"
    empty_title = "Nothing here yet"
    empty_text = ""
    subtitle = ""
    """One sentence above the list: what these objects are."""
    history_note = ""
    """One sentence below an object's history."""

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        self.actions = [action.as_admin_action() for action in self.confirmed]
        super().__init__(model, admin_site)

    # Names

    def name_of(self, found: Any) -> str:
        return describe(found)

    def heading(self, found: Any) -> str:
        """What stands above its page."""
        return self.name_of(found)

    def listed(self, found: Any) -> str:
        """One line about the object, for the page that asks before an action."""
        return self.name_of(found)

    def audit_objects(self, found: Any) -> list[str]:
        """How audit entries name the object."""
        return [found.public_id]

    def events_about(self, found: Any) -> Iterable[AuditEvent]:
        """Its audit entries, newest first."""
        return AuditEvent.objects.filter(object__in=self.audit_objects(found)).order_by("-id")[:MOST]

    # Lists

    def matches(self, term: str) -> Q:
        """Rows that a search term stands for."""
        return Q(public_id=term)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = " ".join(search_term.replace("\x00", "").split())[:255]
        return (queryset.filter(self.matches(term)) if term else queryset), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "title": str(self.opts.verbose_name_plural).capitalize(),
            "empty_title": self.empty_title,
            "empty_text": self.empty_text,
            "list_subtitle": self.subtitle,
            "tools": self.list_tools(request),
            "export_url": self._export_url(request),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def list_tools(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Buttons above the list."""
        return []

    def export_columns(self) -> Columns:
        """What its CSV file holds, header → field; a list without any can't be exported."""
        return {}

    def _export_url(self, request: HttpRequest) -> str:
        """Where the list, as it is filtered now, is had as a file; empty when it can't be."""
        if not self.export_columns():
            return ""
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export")
        return f"{address}?{request.GET.urlencode()}"

    @method_decorator(require_POST)
    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        if not self.export_columns():
            raise Http404
        return export(self, request)

    # Storing

    def store(self, actor: Actor, found: Any, form: Any, change: bool) -> Any:
        """Call the service; returns the stored object. May raise ``PortalError``."""
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        stored = self.store(actor_of_user(request.user), obj, form, change)  # type: ignore[arg-type]  # signed in
        obj.pk, obj._state.adding, obj._state.db = stored.pk, False, stored._state.db
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        for formset in formsets:
            self.save_formset(request, form, formset, change=change)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A refusal rolls everything back; the form is shown again and says why."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except PortalError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]  # for the answer
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return type(form.__name__, (form,), {"refusal": refusal}) if refusal else form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs.setdefault("form_class", Named)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # Django's own log stays empty: the audit log is written by services, with the change.

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The audit entries about this object, newest first."""
        return history_page(self, request, self._seen(request, object_id))

    # Actions

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        act = self.admin_site.admin_view(self.action_view)
        export_list = self.admin_site.admin_view(self.export_view)
        return [
            path("<int:object_id>/act/<slug:action>/", act, name=f"{name}_action"),
            path("export/", export_list, name=f"{name}_export"),
            *super().get_urls(),
        ]

    def action_view(self, request: HttpRequest, object_id: int, action: str) -> HttpResponse:
        """An action on one object, from the button on its page."""
        found = self._seen(request, str(object_id))
        chosen = next((known for known in self.confirmed if known.name == action), None)
        if chosen is None:
            raise Http404
        if not self._may(request, chosen):
            raise PermissionDenied
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[found.pk])
        return confirm(self, request, [found], chosen, back=back)

    def _may(self, request: HttpRequest, action: ConfirmedAction) -> bool:
        return bool(getattr(self, f"has_{action.permission}_permission")(request))

    def _seen(self, request: HttpRequest, object_id: str) -> Any:
        found = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, found):
            raise PermissionDenied
        if found is None:
            raise Http404
        return found

    def object_tools(self, request: HttpRequest, found: Any) -> list[dict[str, Any]]:
        """Buttons on the object's page: the actions that it and the permissions allow."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_action"
        return [
            {"label": action.label, "url": reverse(name, args=[found.pk, action.name]), "action": action}
            for action in self.confirmed
            if action.offered(found) and self._may(request, action)
        ]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = context["original"]
        context["show_save_and_add_another"] = False
        if obj is not None:
            context.update(
                title=self.heading(obj),
                subtitle=None,
                name=self.heading(obj),
                public_id=getattr(obj, "public_id", ""),
                tools=self.object_tools(request, obj),
            )
        return super().render_change_form(request, context, *args, **kwargs)


class ReadOnlyAdmin(PortalModelAdmin):
    """Rows that only services write: pages show them, actions change them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
