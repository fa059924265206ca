"""A plan as its customers see it."""

from dataclasses import dataclass

from portal.models import Plan
from portal.services.plans import plan_plugins
from portal.web.keys.words import kind_words
from portal.web.words import exact_span

MOST_SCOPES = 12
"""So many are named on a card; of more, their number is told."""


@dataclass(frozen=True)
class Offer:
    plan: Plan
    longest_life: str
    """In words; empty when keys may live for ever."""
    scopes: list[str]
    more_scopes: int
    kinds: list[str]
    """Of key, in words."""
    is_current: bool


def offer(plan: Plan, current: Plan) -> Offer:
    life = plan.longest_life
    return Offer(
        plan=plan,
        longest_life=exact_span(life) if life is not None else "",
        scopes=plan.scopes[:MOST_SCOPES],
        more_scopes=max(len(plan.scopes) - MOST_SCOPES, 0),
        kinds=[kind_words(slug) for slug in plan_plugins(plan)],
        is_current=plan == current,
    )
