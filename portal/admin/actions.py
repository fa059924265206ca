"""Actions that show what will happen, ask, and then call one service.

One description serves three places: the list's action menu, the button on an object's page and
the page between. Nothing is changed by a GET.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from portal.core.actor import Actor
from portal.core.errors import PortalError
from portal.services.actors import actor_of_user

if TYPE_CHECKING:
    from portal.admin.base import PortalModelAdmin

MOST = 500
"""So many objects one action takes: each is a transaction of its own, within one request.

Django takes 1,000 form fields at most (``DATA_UPLOAD_MAX_NUMBER_FIELDS``).
"""


@dataclass(frozen=True)
class Landing:
    """What an action may return: a sentence, or none, and a page that tells more than the one it began on."""

    told: str
    url: str


class ActionForm(forms.Form):
    """What an action asks. ``objects`` are those it will change."""

    required_css_class = "required"

    def __init__(self, objects: Sequence[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.objects = objects

    def add_refusal(self, refusal: PortalError) -> None:
        add_refusal(self, refusal)


def add_refusal(form: forms.BaseForm, refusal: PortalError) -> None:
    """Put a service's refusal where it belongs: at the fields it names, else above the form."""
    named = {name: problems for name, problems in refusal.errors.items() if name in form.fields}
    for name, problems in named.items():
        for problem in problems:
            form.add_error(name, f"{problem[:1].upper()}{problem[1:]}.")
    if not named:
        form.add_error(None, refusal.detail)


@dataclass(frozen=True)
class ConfirmedAction:
    """``run`` changes one object and may return a sentence that tells of it."""

    name: str
    label: str
    permission: str
    done: str
    run: Callable[[Actor, Any, dict[str, Any]], Any]
    explain: Callable[[Sequence[Any]], list[str]]
    form: type[ActionForm] = ActionForm
    one: bool = False
    """For a single object: its form depends on that object."""
    destructive: bool = False
    primary: bool = False
    offered: Callable[[Any], bool] = field(default=lambda found: True)
    """Whether the object's page has the button; the service has the last word."""

    def as_admin_action(self) -> Any:
        def act(model_admin: "PortalModelAdmin", request: HttpRequest, queryset: QuerySet[Any]) -> Any:
            return _from_list(model_admin, request, queryset, self)

        act.__name__ = self.name
        return admin.action(act, permissions=[self.permission], description=self.label)


def _from_list(
    model_admin: "PortalModelAdmin", request: HttpRequest, queryset: QuerySet[Any], action: ConfirmedAction
) -> HttpResponse | None:
    most = 1 if action.one else MOST
    objects = list(queryset[: most + 1])
    if len(objects) > most:
        wanted = "one" if action.one else f"at most {MOST}"
        model_admin.message_user(
            request, f"{action.label}: choose {wanted} at a time. Nothing was changed.", messages.WARNING
        )
        return None
    hidden = [("action", action.name), *((ACTION_CHECKBOX_NAME, str(found.pk)) for found in objects)]
    return confirm(model_admin, request, objects, action, hidden=hidden, back=request.get_full_path())


def confirm(
    model_admin: "PortalModelAdmin",
    request: HttpRequest,
    objects: Sequence[Any],
    action: ConfirmedAction,
    *,
    hidden: Sequence[tuple[str, str]] = (),
    back: str,
) -> HttpResponse:
    """The page between; once it was submitted, do it, tell how it went and go ``back``."""
    submitted = request.method == "POST" and request.POST.get("confirmed") == action.name
    form = action.form(objects, request.POST if submitted else None)
    if submitted and form.is_valid():
        done = _carry_out(model_admin, request, objects, action, form)
        if done or len(objects) > 1:
            return HttpResponseRedirect(done.url if isinstance(done, Landing) else back)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": action.label,
        "opts": model_admin.opts,
        "action": action,
        "objects": [model_admin.listed(found) for found in objects],
        "single": objects[0] if len(objects) == 1 else None,
        "heading": model_admin.heading(objects[0]) if len(objects) == 1 else "",
        "explanations": action.explain(objects),
        "form": form,
        "hidden": hidden,
        "back": back,
        "media": model_admin.media + form.media,
    }
    return TemplateResponse(request, "admin/portal/confirm.html", context)


def _carry_out(
    model_admin: "PortalModelAdmin",
    request: HttpRequest,
    objects: Sequence[Any],
    action: ConfirmedAction,
    form: ActionForm,
) -> Any:
    """Run it on each object; one refusal doesn't stop the others. Tells how it went.

    Returns None when the only object was refused: its form then says why.
    """
    actor = actor_of_user(request.user)  # type: ignore[arg-type]  # staff are signed in
    done: list[Any] = []
    refused = []
    for found in objects:
        try:
            done.append(action.run(actor, found, form.cleaned_data))
        except PortalError as refusal:
            if len(objects) == 1:
                form.add_refusal(refusal)
                return None
            refused.append(f"{model_admin.name_of(found)}: {refusal.detail}")
    if len(objects) > 1:
        _report(model_admin, request, f"{len(done)} {action.done}", refused, nothing=not done)
        return done
    result = done[0] or f"{model_admin.name_of(objects[0])}: {action.done}."
    told = result.told if isinstance(result, Landing) else result
    if told:
        model_admin.message_user(request, told, messages.SUCCESS)
    return result


def _report(
    model_admin: "PortalModelAdmin", request: HttpRequest, report: str, refused: list[str], *, nothing: bool
) -> None:
    """``7 queued, 1 refused: …``."""
    if refused:
        report += f", {len(refused)} refused: {' · '.join(refused[:5])}"
        report += f" · and {len(refused) - 5} more" if len(refused) > 5 else ""
    level = messages.SUCCESS if not refused else messages.ERROR if nothing else messages.WARNING
    model_admin.message_user(request, report, level)
