"""``/keys/{id}``: everything about one key but its secret."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from portal.core.errors import NotFound
from portal.models import IssuedKey
from portal.services.keys.reasons import reason_words
from portal.services.keys.reveal import may_reveal
from portal.services.keys.rotate import NEVER_LIVED
from portal.web.keys.countdown import countdown_to
from portal.web.keys.history import history_of
from portal.web.keys.progress import failure_words, progress_of
from portal.web.keys.quickstart import quickstart
from portal.web.keys.words import (
    expiry_words,
    kind_words,
    last_use_words,
    masked,
    parts_of,
    status_of_key,
    tokens_left,
)
from portal.web.visits import Visit, customers_page, show

P = ParamSpec("P")
NO_NEWS = 204
"""What htmx takes for: leave the page as it is."""


def visible_key(visit: Visit, public_id: str) -> tuple[Visit, IssuedKey]:
    """The key of that id at any of the user's customers, and the visit there.

    Raises ``NotFound`` alike for absent and for foreign keys.
    """
    key: IssuedKey | None = None
    if public_id.isprintable():
        key = (
            IssuedKey.objects.visible_to(visit.actor, "keys:read")
            .filter(customer__memberships__user=visit.user, public_id=public_id)
            .select_related("customer", "user", "rotated_from", "signing_key")
            .with_removal()
            .first()
        )
    if key is None:
        raise NotFound("key")
    return visit.at(key.customer.public_id), key


def changeable_key(visit: Visit, public_id: str) -> tuple[Visit, IssuedKey]:
    """The same for changing it; raises ``NotAllowed`` for those who may only look."""
    visit, key = visible_key(visit, public_id)
    visit.actor.require("keys:write", key.customer_id)
    return visit, key


def whole_page_for_sign_in(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A part of a page has no room for a sign-in form: the browser loads the page, and is asked there."""

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if HtmxDetails(request) and not request.user.is_authenticated:
            return HttpResponseClientRefresh()
        return view(request, *args, **kwargs)

    return page


@require_safe
@whole_page_for_sign_in
@customers_page
def one_key(request: HttpRequest, visit: Visit, id: str) -> HttpResponse:
    """The page; for htmx its changing part alone, and nothing while there is no news."""
    visit, key = visible_key(visit, id)
    in_page = bool(HtmxDetails(request))
    operation = key.operations.order_by("-id").first() if key.status in _TOLD_BY_OPERATION else None
    progress = progress_of(key, operation)
    if in_page and progress is not None and request.GET.get("seen") == progress.seen:
        return HttpResponse(status=NO_NEWS)
    status = status_of_key(key)
    context = {
        "key": key,
        "status": status,
        "progress": progress,
        "meaning": failure_words(operation) if key.status == IssuedKey.Status.FAILED else status.meaning,
        "expires": expiry_words(key),
        "history": history_of(key),
        **_facts(key),
        **_choices(visit, key),
    }
    return show(request, visit, f"portal/keys/{'news' if in_page else 'detail'}.html", context)


_TOLD_BY_OPERATION = (
    IssuedKey.Status.REQUESTED, IssuedKey.Status.REVOKING, IssuedKey.Status.NEEDS_ATTENTION,
    IssuedKey.Status.FAILED,
)  # fmt: skip


def _facts(key: IssuedKey) -> dict[str, Any]:
    return {
        "kind": kind_words(key.plugin),
        "tokens_left": tokens_left(key),
        "public": parts_of(key.public),
        "masked": masked(key),
        "last_use": last_use_words(key),
        "reason": reason_words(key.revoke_reason),
        "countdown": countdown_to(key.retires_at) if key.is_usable else None,
        "predecessor_countdown": _predecessor_countdown(key),
        "quickstart": quickstart(key) if key.is_usable else None,
    }


def _predecessor_countdown(key: IssuedKey) -> Any:
    old = key.rotated_from
    return countdown_to(old.retires_at) if old is not None and old.is_usable else None


def _choices(visit: Visit, key: IssuedKey) -> dict[str, Any]:
    """The successor, and what this person may do with the key now."""
    may_change = visit.may_change_keys
    successors = IssuedKey.objects.filter(rotated_from=key)
    successor = successors.exclude(activated_at=None, status__in=NEVER_LIVED).first()
    return {
        "successor": successor,
        "successor_status": status_of_key(successor) if successor else None,
        "may_reveal": may_change and key.secret_available and may_reveal(visit.actor, key),
        "may_rotate": may_change and key.is_usable and successor is None,
        "may_revoke": may_change and key.status in IssuedKey.REVOCABLE,
        "may_create_another": may_change and successor is None and key.shown_status in _ENDED,
    }


_ENDED = ("expired", "revoked", "failed")
