"""Who is looking at the customers' pages, and at which customer's things."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from portal.core.actor import Actor
from portal.core.errors import Gone, NotAllowed, NotFound, PortalError
from portal.core.problems import status_of
from portal.core.sign_in import has_recent_sign_in
from portal.models import Customer, Membership, User
from portal.services.actors import actor_of_user
from portal.web.staff_mfa import lacks_second_factor

CURRENT_CUSTOMER = "customer"
_TITLES = {
    NotFound: _("There is nothing here"),
    NotAllowed: _("You may not do this"),
    Gone: _("This secret is gone"),
}
_SENTENCES = {
    "not_found": _("It was removed, was never there, or is not yours to see."),
    "insufficient_scope": _(
        "Your role doesn't allow this. Nothing was changed. "
        "An admin or owner can do it, or give you another role."
    ),
    "sealing_key_missing": _("We can't open what is stored at present. Nothing is lost: try again later."),
}
"""What codes mean to a person who met them on a page; else the refusal's own sentence."""
P = ParamSpec("P")


@dataclass(frozen=True)
class Visit:
    """A signed-in user, their memberships, and the one whose customer the pages show."""

    actor: Actor
    user: User
    memberships: tuple[Membership, ...]
    current: Membership

    @property
    def customer(self) -> Customer:
        return self.current.customer

    @property
    def has_choice(self) -> bool:
        return len(self.memberships) > 1

    @property
    def may_change_keys(self) -> bool:
        return self.may("keys:write")

    @property
    def may_manage(self) -> bool:
        """Team, plan and access tokens: admins and owners."""
        return self.may("customers:write")

    @property
    def may_read_activity(self) -> bool:
        return self.may("audit:read")

    @property
    def may_see_access_tokens(self) -> bool:
        return self.may("access_tokens:read")

    def at(self, customer: str) -> "Visit":
        """The same visit at another customer of the user's, by public id; raises ``NotFound``."""
        for membership in self.memberships:
            if membership.customer.public_id == customer:
                return replace(self, current=membership)
        raise NotFound("customer")

    def may(self, scope: str) -> bool:
        """Whether the user holds the scope for the current customer."""
        reach = self.actor.reach(scope)
        return reach is None or self.current.customer_id in reach


def customers_page(
    view: Callable[Concatenate[HttpRequest, Visit, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page for members of a customer: asks for sign-in, shows refusals, is never stored."""

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        def answer(user: User) -> HttpResponse:
            visit = visit_of(request, user)
            if "customer" in request.GET and request.method == "GET":
                return _switched(request, visit)
            if visit is None:
                return render(request, "portal/no_customer.html")
            return view(request, visit, *args, **kwargs)

        return guarded(request, answer)

    return page


def guarded(request: HttpRequest, answer: Callable[[User], HttpResponse]) -> HttpResponse:
    """What signed-in people are answered: asks for sign-in, shows refusals, is never stored."""
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path())
    try:
        response = answer(request.user)
    except PortalError as exc:
        response = _refused(request, exc, request.user)
    response["Cache-Control"] = "no-store, private"
    return response


def visit_of(request: HttpRequest, user: User) -> Visit | None:
    """The user's visit at the customer they chose; None for somebody who belongs to none."""
    memberships = tuple(
        Membership.objects.filter(user=user, customer__deleted_at=None)
        .select_related("customer")
        .order_by("customer__name", "id")
    )
    if not memberships:
        return None
    actor = actor_of_user(
        user,
        recent_sign_in=has_recent_sign_in(request, user),
        as_staff=not lacks_second_factor(request, user),
        memberships=memberships,
    )
    return Visit(actor, user, memberships, _current(request, memberships))


def _switched(request: HttpRequest, visit: Visit | None) -> HttpResponse:
    if visit is None:
        raise NotFound("customer")
    request.session[CURRENT_CUSTOMER] = visit.at(request.GET["customer"]).customer.public_id
    return redirect(request.path)


def _current(request: HttpRequest, memberships: tuple[Membership, ...]) -> Membership:
    """The customer chosen earlier if the user still belongs to it, else the first."""
    chosen = request.session.get(CURRENT_CUSTOMER)
    found = (membership for membership in memberships if membership.customer.public_id == chosen)
    return next(found, memberships[0])


def posted_visit(request: HttpRequest, visit: Visit) -> Visit:
    """The visit to the customer that a form was opened for, whatever another tab switched to meanwhile.

    The current one for a form that names none. Raises ``NotFound`` for another's customer.
    """
    customer = request.POST.get("customer", "") if request.method == "POST" else ""
    return visit.at(customer) if customer else visit


def show(
    request: HttpRequest, visit: Visit, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page in the customers' frame."""
    return render(request, template, {"visit": visit, **context}, status=status)


def _refused(request: HttpRequest, error: PortalError, user: User) -> HttpResponse:
    """A refusal as a page: its sentence, and a way back."""
    titles = (words for kind, words in _TITLES.items() if isinstance(error, kind))
    context = {
        "title": next(titles, _("That didn't work")),
        "detail": _SENTENCES.get(error.code, error.detail),
        "status": status_of(error),
        "visit": visit_of(request, user),
    }
    return render(request, "portal/refused.html", context, status=status_of(error))
