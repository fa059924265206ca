"""The words of the audit log's actions, as the customers' pages tell them."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.models import AuditEvent
from portal.services.audit import Action

Sentence = Promise | str

SENTENCES: dict[str, Sentence] = {
    Action.CUSTOMER_CREATED: _("{who} created the customer “{what}”"),
    Action.CUSTOMER_CHANGED: _("{who} changed the details of “{what}”"),
    Action.CUSTOMER_DELETED: _("{who} deleted this customer"),
    Action.MEMBER_ADDED: _("{who} added {what} to the team"),
    Action.MEMBER_CHANGED: _("{who} changed the role or name of {what}"),
    Action.MEMBER_REMOVED: _("{who} removed {what} from the team"),
    Action.INVITATION_CREATED: _("{who} invited {what} to the team"),
    Action.INVITATION_RESENT: _("{who} sent {what} the invitation again"),
    Action.INVITATION_WITHDRAWN: _("{who} withdrew the invitation of {what}"),
    Action.INVITATION_ACCEPTED: _("{who} accepted the invitation to the team"),
    Action.OWNERSHIP_TRANSFERRED: _("{who} made {what} the owner"),
    Action.PLAN_REQUESTED: _("{who} asked for the plan “{what}”"),
    Action.PLAN_REQUEST_WITHDRAWN: _("{who} took back the request for the plan “{what}”"),
    Action.PLAN_REQUEST_APPROVED: _("{who} approved the request for the plan “{what}”"),
    Action.PLAN_REQUEST_DECLINED: _("{who} declined the request for the plan “{what}”"),
    Action.SUBSCRIPTION_CREATED: _("{who} began the subscription to “{what}”"),
    Action.SUBSCRIPTION_CHANGED: _("{who} changed the subscription, which is to “{what}” now"),
    Action.KEY_REQUESTED: _("{who} created the key “{what}”"),
    Action.KEY_ACTIVATED: _("The key “{what}” is ready"),
    Action.KEY_FAILED: _("The creation of the key “{what}” stopped"),
    Action.KEY_REVEALED: _("{who} revealed the secret of the key “{what}”"),
    Action.KEY_REVOKING: _("{who} began to revoke the key “{what}”"),
    Action.KEY_REVOKED: _("{who} revoked the key “{what}”"),
    Action.KEY_RETIRING: _("A newer key replaces the key “{what}”"),
    Action.KEY_EXPIRED: _("The key “{what}” expired"),
    Action.OPERATION_REQUESTED: _("{who} asked the gateway to prepare for keys"),
    Action.OPERATION_RETRIED: _("{who} resumed work that had stopped at the gateway"),
    Action.OPERATION_CANCELLED: _("{who} cancelled work at the gateway"),
    Action.ACCESS_TOKEN_CREATED: _("{who} created the access token “{what}”"),
    Action.ACCESS_TOKEN_REVOKED: _("{who} revoked the access token “{what}”"),
    Action.LIST_EXPORTED: _("{who} exported the activity"),
}
"""Of every action that a customer's own chain may hold. ``who`` acts on ``what``, the entry's object."""

_ROTATED = _("{who} asked for a new key to replace “{what}”")
_JOINED = _("{who} joined the team")
_OF_A_LATER_VERSION = _("{who} did something that this version has no words for ({what})")

KINDS: dict[str, tuple[Sentence, tuple[str, ...]]] = {
    "keys": (_("Keys"), ("key", "operation")),
    "team": (_("Team"), ("member", "invitation", "ownership")),
    "plan": (_("Plan"), ("plan_request", "subscription")),
    "tokens": (_("Access tokens"), ("access_token",)),
    "customer": (_("Customer and exports"), ("customer", "list")),
}
"""What people filter by: each kind's name, and the nouns that its actions begin with."""


def sentence_of(event: AuditEvent) -> str:
    """The sentence in the current language, with ``{who}`` and ``{what}`` left open."""
    detail: dict[str, Any] = event.detail
    if event.action == Action.KEY_REQUESTED and "rotated_from" in detail:
        return str(_ROTATED)
    if event.action == Action.MEMBER_ADDED and event.actor == f"user {event.object}":
        return str(_JOINED)
    return str(SENTENCES.get(event.action, _OF_A_LATER_VERSION))


def actions_of(kind: str) -> list[str]:
    """The actions that belong to a kind of ``KINDS``."""
    nouns = KINDS[kind][1]
    return [action for action in SENTENCES if action.partition(".")[0] in nouns]
