"""What a customer may still create, told before anybody fills in a form."""

from dataclasses import dataclass

from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.models import Customer, IssuedKey, Plan
from portal.services.plans import effective_plan, plan_plugins
from portal.web.words import exact_span


@dataclass(frozen=True)
class Obstacle:
    """Why nothing can be created now, and which ways out there are."""

    title: str
    words: str
    to_plans: bool = False
    to_keys: bool = False


@dataclass
class Allowance:
    customer: Customer
    plan: Plan
    has_subscription: bool

    @cached_property
    def in_use(self) -> int:
        return IssuedKey.objects.filter(customer=self.customer).counted().count()

    @property
    def left(self) -> int | None:
        """None without a limit."""
        return None if self.plan.max_keys is None else max(0, self.plan.max_keys - self.in_use)

    @property
    def words(self) -> list[str]:
        """The plan's limits, a sentence each."""
        told = []
        if self.plan.max_keys is None or self.left is None:
            told.append(_("As many keys as you need."))
        else:
            told.append(
                ngettext(
                    "%(left)d of %(all)d key left.", "%(left)d of %(all)d keys left.", self.plan.max_keys
                )
                % {"left": self.left, "all": self.plan.max_keys}
            )
        if self.plan.longest_life is not None:
            told.append(_("A key lives %(span)s at most.") % {"span": exact_span(self.plan.longest_life)})
        return told

    @property
    def obstacle(self) -> Obstacle | None:
        """The first thing in the way, in the order in which ``request_key`` looks; it has the last word."""
        if not plan_plugins(self.plan):
            return Obstacle(
                _("There is no kind of key to create"),
                _(
                    "None of those on your plan is available here at present. Nothing was created. "
                    "We have to mend that."
                ),
            )
        if self.customer.status != Customer.Status.ACTIVE:
            return _of_status(self.customer)
        if self.plan.requires_subscription and not self.has_subscription:
            return Obstacle(
                _("A subscription is needed first"),
                _("Keys come with a plan, and %(customer)s has none yet. Choose one, then come back.")
                % {"customer": self.customer},
                to_plans=True,
            )
        return _at_limit(self.plan) if self.left == 0 else None


def _at_limit(plan: Plan) -> Obstacle:
    if plan.max_keys == 0:
        words = _("The plan “%(plan)s” has no keys in it. Choose another plan.")
        return Obstacle(_("Your plan allows no keys"), words % {"plan": plan}, to_plans=True)
    title = ngettext(
        "The only key of your plan is in use",
        "All %(count)d keys of your plan are in use",
        plan.max_keys or 0,
    )
    return Obstacle(
        title % {"count": plan.max_keys},
        _(
            "Revoke one that nobody needs, or change to a plan with more keys. "
            "To replace a key, rotate it: that counts as one."
        ),
        to_plans=True,
        to_keys=True,
    )


def _of_status(customer: Customer) -> Obstacle:
    words = {
        Customer.Status.PENDING: _(
            "%(customer)s waits for our approval. You get keys as soon as it is there."
        ),
        Customer.Status.SUSPENDED: _("%(customer)s is suspended at present, so it gets no keys."),
        Customer.Status.CLOSED: _("%(customer)s is closed, so it gets no keys."),
    }[Customer.Status(customer.status)]
    return Obstacle(_("No new keys at present"), words % {"customer": customer})


def allowance_of(customer: Customer) -> Allowance:
    plan, subscription = effective_plan(customer)
    return Allowance(customer, plan, has_subscription=subscription is not None)
