"""Pages about the person alone: also for those who belong to no customer (any more)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.core.actor import Actor
from portal.core.sign_in import has_recent_sign_in
from portal.models import User
from portal.services.actors import actor_of_user
from portal.web.staff_mfa import lacks_second_factor
from portal.web.visits import Visit, guarded, visit_of

P = ParamSpec("P")


@dataclass(frozen=True)
class Person:
    user: User
    actor: Actor
    visit: Visit | None


def personal_page(
    view: Callable[Concatenate[HttpRequest, Person, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page for signed-in people, whether or not they belong to a customer; is never stored."""

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        def answer(user: User) -> HttpResponse:
            visit = visit_of(request, user)
            actor = visit.actor if visit else _actor_of(request, user)
            return view(request, Person(user, actor, visit), *args, **kwargs)

        return guarded(request, answer)

    return page


def _actor_of(request: HttpRequest, user: User) -> Actor:
    return actor_of_user(
        user,
        recent_sign_in=has_recent_sign_in(request, user),
        as_staff=not lacks_second_factor(request, user),
    )


def show_person(
    request: HttpRequest, person: Person, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page in the settings' frame."""
    return render(request, template, {"visit": person.visit, **context}, status=status)
