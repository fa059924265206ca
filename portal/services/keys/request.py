"""Asking for a key: the plan's limits, checked under a lock, and the operation that will create it."""

from datetime import timedelta

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.core.actor import Actor
from portal.core.errors import Conflict, Invalid, LimitReached
from portal.core.plugins import offered_scopes, plugin_named
from portal.core.seen_names import check_name
from portal.models import Customer, IssuedKey, Membership, Operation, Plan, User
from portal.services.audit import Action, record
from portal.services.customers import lock_customer
from portal.services.operations.queue import new_operation
from portal.services.plans import effective_plan, plan_plugins
from provisioning.contract import LONGEST_LIFE, Plugin
from tokens.durations import format_duration

Status = Customer.Status
_NO_KEYS: dict[str, str | Promise] = {
    Status.PENDING: gettext_lazy(
        "This customer waits for approval, so it gets no keys yet. Nothing was created."
    ),
    Status.SUSPENDED: gettext_lazy("This customer is suspended, so it gets no keys. Nothing was created."),
    Status.CLOSED: gettext_lazy("This customer is closed, so it gets no keys. Nothing was created."),
}


def request_key(
    actor: Actor,
    customer_id: int,
    *,
    user: User,
    name: str,
    plugin: str | None = None,
    expires_in: timedelta | None = None,
    scopes: list[str] | None = None,
) -> Operation:
    """Insert a key and the operation that issues it.

    ``expires_in`` None is the plugin's default within the plan; ``scopes`` None is all that
    ``allowed_scopes`` gives. Where the plugin is local the operation comes leased to this process,
    which runs it next. Raises ``LimitReached``, ``Conflict`` and ``Invalid`` with nothing stored.
    """
    check_name(name)
    with transaction.atomic():
        customer = lock_customer(customer_id)
        plan, subscription = effective_plan(customer, lock=True)
        chosen = plugin_within(plan, plugin)
        check_may_have_keys(customer, plan, has_subscription=subscription is not None)
        _check_member(customer, user)
        _check_count(customer, plan)
        key = IssuedKey.objects.create(
            customer=customer,
            subscription=subscription,
            user=user,
            name=name,
            plugin=chosen.slug,
            scopes=_scopes_within(plan, chosen, scopes),
            lifetime=lifetime_within(plan, chosen, expires_in),
            created_by=actor.identity,
        )
        operation = new_operation(Operation.Kind.ISSUE_KEY, chosen.slug, customer, user=user, key=key)
        record(actor, Action.KEY_REQUESTED, key.public_id, customer=customer,
               plugin=key.plugin, operation=operation.public_id)  # fmt: skip
    return operation


def check_may_have_keys(customer: Customer, plan: Plan, *, has_subscription: bool) -> None:
    if customer.status != Status.ACTIVE:
        raise Conflict("customer_not_active", str(_NO_KEYS[customer.status]))
    if plan.requires_subscription and not has_subscription:
        raise Conflict(
            "subscription_required",
            _(
                "Keys need a subscription, and this customer has none. Nothing was created. "
                "Choose a plan first."
            ),
        )


def _check_member(customer: Customer, user: User) -> None:
    if not Membership.objects.filter(customer=customer, user=user).exists():
        raise Invalid.field("user", _("is no member of this customer: add them first"))


def plugin_within(plan: Plan, wanted: str | None) -> Plugin:
    """The plugin asked for, or the first of the plan; raises ``Invalid`` when the plan lacks it."""
    allowed = plan_plugins(plan)
    chosen = plugin_named(wanted or next(iter(allowed), None))
    if chosen.slug not in allowed:
        problem = _("not on this customer's plan; it has: %(kinds)s") % {"kinds": ", ".join(plan.plugins)}
        raise Invalid.field("plugin", problem)
    return chosen


def _check_count(customer: Customer, plan: Plan) -> None:
    if plan.max_keys is None:
        return
    if IssuedKey.objects.filter(customer=customer).counted().count() >= plan.max_keys:
        raise LimitReached("key_limit_reached", _limit_words(plan.max_keys))


def _limit_words(limit: int) -> str:
    if limit == 0:
        return _("The plan allows no keys. Change the plan. Nothing was created.")
    return ngettext(
        "The plan allows %(count)d key, and it is in use. Revoke it or change the plan. Nothing was created.",
        "The plan allows %(count)d keys, and they are in use. Revoke one or change the plan. "
        "Nothing was created.",
        limit,
    ) % {"count": limit}


def allowed_scopes(plan: Plan, plugin: Plugin) -> list[str]:
    """The plan's scopes, as far as the plugin knows them; a plan without any leaves them to the plugin."""
    offered = offered_scopes(plugin)
    if offered is None:
        return list(plan.scopes)
    return [scope for scope in plan.scopes if scope in offered] if plan.scopes else list(offered)


def scope_choices(plan: Plan) -> list[str]:
    """Every scope that a key of some plugin of the plan may have, for people to choose from."""
    slugs = plan_plugins(plan)
    return list(dict.fromkeys(scope for slug in slugs for scope in allowed_scopes(plan, plugin_named(slug))))


def _scopes_within(plan: Plan, plugin: Plugin, wanted: list[str] | None) -> list[str]:
    allowed = allowed_scopes(plan, plugin)
    if wanted is None:
        return allowed
    if beyond := [scope for scope in wanted if scope not in allowed]:
        unknown = [scope for scope in beyond if scope not in (offered_scopes(plugin) or beyond)]
        if unknown:
            problem = _("%(kind)s does not offer: %(scopes)s")
            raise Invalid.field("scopes", problem % {"kind": plugin.slug, "scopes": " ".join(unknown)})
        problem = _("not on this customer's plan: %(scopes)s")
        raise Invalid.field("scopes", problem % {"scopes": " ".join(beyond)})
    return list(dict.fromkeys(wanted))


def lifetime_within(plan: Plan, plugin: Plugin, wanted: timedelta | None) -> timedelta | None:
    """How long a key lives: as asked if the plan allows it, else the plugin's default, cut to the plan."""
    longest = plan.longest_life
    if wanted is None:
        spans = [span for span in (plugin.default_lifetime, longest) if span is not None]
        return min(spans) if spans else None
    if wanted > LONGEST_LIFE:
        raise Invalid.field("expires_in", _("must be at most 10 years"))
    if longest is not None and wanted > longest:
        problem = _("the plan allows at most %(time)s") % {"time": format_duration(longest)}
        raise Invalid.field("expires_in", problem)
    return wanted
