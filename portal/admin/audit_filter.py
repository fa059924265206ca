"""The audit log's filter: one form for action, people, objects and days."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.admin import ListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from portal.admin.search import MOST, customers, users
from portal.models import Customer, User
from portal.services.audit import Action


def _choices() -> list[Any]:
    """Actions in groups: ``key`` with issued, revealed, revoked …"""
    groups: dict[str, list[tuple[str, str]]] = {}
    for action in Action:
        noun = action.partition(".")[0]
        title = noun.replace("_", " ").capitalize()
        group = groups.setdefault(title, [(f"{noun}.", f"{title}: anything")])
        group.append((action.value, action.value))
    return [("", "Any action"), *groups.items()]


class DayInput(forms.DateInput):
    input_type = "date"


class AuditForm(forms.Form):
    """Prefixed names, so that none is taken for a field of the model."""

    f_action = forms.ChoiceField(label="Action", required=False, choices=_choices)
    f_actor = forms.CharField(
        label="By", required=False, max_length=255,
        widget=forms.TextInput(attrs={"placeholder": "E-mail, usr_… or tok_…"}),
    )  # fmt: skip
    f_customer = forms.CharField(
        label="Customer", required=False, max_length=255,
        widget=forms.TextInput(attrs={"placeholder": "Name or id"}),
    )  # fmt: skip
    f_object = forms.CharField(
        label="Object", required=False, max_length=255,
        widget=forms.TextInput(attrs={"placeholder": "key_…, op_…, kid"}),
    )  # fmt: skip
    f_since = forms.DateField(label="From", required=False, widget=DayInput)
    f_until = forms.DateField(label="To", required=False, widget=DayInput)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        since, until = values.get("f_since"), values.get("f_until")
        if since and until and until < since:
            self.add_error("f_until", "This is before the first day.")
        return values


def actors(term: str) -> Q:
    """Entries made by the people, the token or the portal that the term names."""
    if term.casefold() in ("portal", "the portal", "system"):
        return Q(actor="system portal")
    if term.startswith("tok_"):
        return Q(actor=f"token {term}")
    found = User.objects.filter(users(term)).values_list("public_id", flat=True)[:MOST]
    return Q(actor__in=[f"user {public_id}" for public_id in {*found, term}])


def objects(term: str) -> Q:
    """Entries about the object with that id, or about the person with that address."""
    if "@" not in term:
        return Q(object=term)
    found = User.objects.filter(users(term)).values_list("public_id", flat=True)[:MOST]
    return Q(object__in=list(found))


def _of_customer(term: str) -> Q:
    found = Customer.objects.filter(customers(term)).values_list("pk", flat=True)[:MOST]
    return Q(customer_id__in=list(found))


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _action(value: str) -> Q:
    if value.endswith("."):
        return Q(action__in=[action for action in Action if action.startswith(value)])
    return Q(action=value)


_FILTERS: dict[str, Any] = {
    "f_action": _action, "f_actor": actors, "f_customer": _of_customer, "f_object": objects,
    "f_since": lambda day: Q(at__gte=_start(day)),
    "f_until": lambda day: Q(at__lt=_start(day) + timedelta(days=1)),
}  # fmt: skip


class AuditFilter(ListFilter):
    """Renders its own form; what can't be understood shows nothing and says why."""

    title = "audit"
    template = "admin/portal/audit_filter.html"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in AuditForm.base_fields:
            if name in params:
                value = params.pop(name)
                self.used_parameters[name] = value[-1] if isinstance(value, list) else value
        self.form = AuditForm(self.used_parameters)

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(AuditForm.base_fields)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.form.is_valid():
            return queryset.none()
        for name, value in self.form.cleaned_data.items():
            if value:
                queryset = queryset.filter(_FILTERS[name](value))
        return queryset

    def choices(self, changelist: Any) -> Any:
        """What the template gets: the form, and the other filters to keep."""
        kept = [
            (name, value)
            for name, values in changelist.filter_params.items()
            if name not in AuditForm.base_fields
            for value in values
        ]
        yield {"form": self.form, "kept": kept}
