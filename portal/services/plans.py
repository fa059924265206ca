"""Plans, and which one counts for a customer."""

import re
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from portal.core.actor import Actor
from portal.core.errors import Conflict, Invalid
from portal.core.plugins import registry
from portal.models import Customer, Plan, Subscription
from portal.services.audit import Action, record
from provisioning.contract import LONGEST_LIFE
from tokens.durations import parse_duration

# RFC 6749 section 3.3: visible ASCII without quote and backslash.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")
FIELDS = (
    "name", "description", "listed", "max_keys", "max_lifetime", "scopes", "requires_subscription", "plugins",
)  # fmt: skip


def create_plan(actor: Actor, *, slug: str, **values: Any) -> Plan:
    """Store a new plan; raises ``Conflict`` when the slug is taken."""
    plan = Plan(slug=slug, **_checked(values))
    with transaction.atomic():
        try:
            with transaction.atomic():
                plan.save(force_insert=True)
        except IntegrityError as exc:
            raise Conflict("plan_exists", f"There is a plan {slug} already. Nothing was created.") from exc
        record(actor, Action.PLAN_CREATED, f"plan_{slug}")
    return plan


def update_plan(actor: Actor, plan_id: int, changes: Mapping[str, Any]) -> Plan:
    """Change a plan; keys that exist stay as they are, new ones follow it."""
    values = _checked(changes)
    with transaction.atomic():
        plan = Plan.objects.select_for_update(no_key=True).get(pk=plan_id)
        changed = [name for name in FIELDS if name in values and getattr(plan, name) != values[name]]
        for name in changed:
            setattr(plan, name, values[name])
        if changed:
            plan.save(update_fields=changed)
            record(actor, Action.PLAN_CHANGED, f"plan_{plan.slug}", fields=changed)
    return plan


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(values)
    for scope in checked.get("scopes", ()):
        if not _SCOPE.fullmatch(scope):
            raise Invalid.field("scopes", "a scope is visible ASCII without spaces, quotes or backslashes")
    for name in ("scopes", "plugins"):
        if name in checked:
            checked[name] = list(dict.fromkeys(checked[name]))
    if checked.get("max_lifetime"):
        try:
            longest = parse_duration(checked["max_lifetime"])
        except ValueError as exc:
            raise Invalid.field("max_lifetime", "must be a duration such as 90d, 12h or 3600") from exc
        if longest > LONGEST_LIFE:
            raise Invalid.field("max_lifetime", "must be at most 10 years")
    return checked


def ensure_default_plan() -> None:
    """A customer without a subscription is on the plan ``default``."""
    if not Plan.objects.filter(slug=Plan.DEFAULT).exists():
        Plan.objects.bulk_create([Plan(slug=Plan.DEFAULT, name="Default")], ignore_conflicts=True)


def plan_plugins(plan: Plan) -> list[str]:
    """Plugins that are enabled here and on the plan, the default one first."""
    return [slug for slug in registry().slugs if not plan.plugins or slug in plan.plugins]


def effective_plan(customer: Customer, *, lock: bool = False) -> tuple[Plan, Subscription | None]:
    """The plan of the newest live subscription, else the default plan; ``lock`` holds the subscription."""
    live = Subscription.objects.filter(customer=customer).live().order_by("-id")
    if lock:
        live = live.select_for_update(no_key=True)
    subscription = live.first()
    if subscription is not None:
        return Plan.objects.get(pk=subscription.plan_id), subscription
    return Plan.objects.get(slug=Plan.DEFAULT), None
