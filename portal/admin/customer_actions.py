"""What staff do to a customer: issue a key, provision, add a member, suspend, activate, close, delete."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.html import format_html

from portal.admin.actions import ActionForm, ConfirmedAction
from portal.admin.base import Named
from portal.admin.fields import DurationText
from portal.admin.show import link
from portal.core.actor import Actor
from portal.core.errors import Conflict
from portal.jobs.run import run_inline
from portal.models import Customer, IssuedKey, Membership, Operation, User
from portal.services.customers import delete_customer, update_customer
from portal.services.keys.request import request_key
from portal.services.members import add_member
from portal.services.operations import request_provisioning
from portal.services.plans import effective_plan, plan_plugins
from tokens.durations import format_duration


class MemberForm(ActionForm):
    """For one of the customer's people; a plugin is asked for when there are several."""

    user = Named(User.objects.none(), empty_label=None)
    plugin = forms.ChoiceField()

    def __init__(self, objects: Sequence[Customer], *args: Any, **kwargs: Any) -> None:
        super().__init__(objects, *args, **kwargs)
        self.plan, _ = effective_plan(objects[0])
        members = User.objects.filter(memberships__customer=objects[0], is_active=True).order_by("email")
        users, plugin = self.fields["user"], self.fields["plugin"]
        assert isinstance(users, forms.ModelChoiceField)
        assert isinstance(plugin, forms.ChoiceField)
        users.queryset = members
        users.help_text = "A member of this customer."
        plugin.choices = [(slug, slug) for slug in plan_plugins(self.plan)]
        if len(plugin.choices) == 1:
            del self.fields["plugin"]


class IssueKeyForm(MemberForm):
    name = forms.CharField(
        max_length=100, help_text="What the key is for, such as “production”. Its user sees this name."
    )
    expires_in = DurationText(label="Lifetime", required=False)
    scopes = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    field_order = ("user", "name", "plugin", "expires_in", "scopes")

    def __init__(self, objects: Sequence[Customer], *args: Any, **kwargs: Any) -> None:
        super().__init__(objects, *args, **kwargs)
        longest = self.plan.longest_life
        limit = f" The plan allows at most {format_duration(longest)}." if longest else ""
        self.fields["user"].help_text = "They reveal the key on their own page; you never see it."
        self.fields["expires_in"].help_text = f"Such as 30d, 12h or 1y. Empty: the plugin's default.{limit}"
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        scopes.choices = [(scope, scope) for scope in self.plan.scopes]
        scopes.initial = self.plan.scopes
        if not self.plan.scopes:
            del self.fields["scopes"]


class InviteForm(ActionForm):
    email = forms.EmailField(label="E-mail", max_length=254)
    name = forms.CharField(
        max_length=200, required=False, help_text="Kept as it is for a person who is known."
    )
    role = forms.ChoiceField(choices=Membership.Role, initial=Membership.Role.DEVELOPER)

    def __init__(self, objects: Sequence[Customer], *args: Any, **kwargs: Any) -> None:
        super().__init__(objects, *args, **kwargs)
        if not Membership.objects.filter(customer=objects[0]).exists():
            self.fields["role"].initial = Membership.Role.OWNER


class EraseForm(ActionForm):
    sure = forms.BooleanField(label="Yes, erase this customer's personal data. It can't be brought back.")


def _issue(actor: Actor, customer: Customer, values: dict[str, Any]) -> Any:
    lifetime: timedelta | None = values["expires_in"]
    operation = request_key(
        actor, customer.pk, user=values["user"], name=values["name"], plugin=values.get("plugin"),
        expires_in=lifetime, scopes=values.get("scopes"),
    )  # fmt: skip
    run_inline(operation)
    operation = Operation.objects.select_related("key").get(pk=operation.pk)
    key, email = operation.key, values["user"].email
    assert key is not None
    _stop_if_failed(operation)
    if key.status == IssuedKey.Status.ACTIVE:
        told = "Key {} issued for {}: they reveal it at {}"
        return format_html(told, link(key), email, f"/keys/{key.public_id}")
    told = "Key {} for {} is on its way ({}): they reveal it at {}"
    return format_html(told, link(key), email, link(operation), f"/keys/{key.public_id}")


def _provision(actor: Actor, customer: Customer, values: dict[str, Any]) -> Any:
    operation = request_provisioning(actor, customer.pk, user=values["user"], plugin=values.get("plugin"))
    run_inline(operation)
    operation = Operation.objects.get(pk=operation.pk)
    _stop_if_failed(operation)
    told = "Provisioned {} at {} ({})"
    if operation.state != Operation.State.SUCCEEDED:
        told = "Provisioning {} at {} is on its way ({})"
    return format_html(told, values["user"].email, operation.plugin, link(operation))


def _stop_if_failed(operation: Operation) -> None:
    if operation.state in (Operation.State.FAILED, Operation.State.NEEDS_ATTENTION):
        raise Conflict(
            operation.error_code or "operation_failed",
            f"{operation.plugin} refused: {operation.error_detail} See operation {operation.public_id}.",
        )


def _invite(actor: Actor, customer: Customer, values: dict[str, Any]) -> Any:
    membership = add_member(actor, customer.pk, **values)
    return f"Added {membership.user.email} as {membership.role}."


def _to(status: Customer.Status) -> Any:
    def run(actor: Actor, customer: Customer, values: dict[str, Any]) -> None:
        update_customer(actor, customer.pk, {"status": status})

    return run


def _erase(actor: Actor, customer: Customer, values: dict[str, Any]) -> None:
    delete_customer(actor, customer.pk)


def _says(*sentences: str) -> Any:
    return lambda objects: list(sentences)


def _losing_keys(*sentences: str) -> Any:
    def explain(objects: Sequence[Customer]) -> list[str]:
        alive = IssuedKey.objects.filter(customer__in=objects).alive().count()
        keys = f"{alive} key{'s' * (alive != 1)}" if alive else "No key"
        return [
            f"{keys} will be revoked, at once and for good." if alive else f"{keys} is affected.",
            *sentences,
        ]

    return explain


def _is(*statuses: str) -> Any:
    return lambda customer: customer.status in statuses and customer.deleted_at is None


ACTIONS = (
    ConfirmedAction(
        "issue_key", "Issue key", "issue", "issued", _issue,
        _says("The key is made now. Its secret is shown once, to its user or this customer's admins."),
        form=IssueKeyForm, one=True, primary=True, offered=_is("active"),
    ),
    ConfirmedAction(
        "provision", "Provision", "provision", "provisioned", _provision,
        _says("The person is made known at the plugin. Repeating it changes nothing."),
        form=MemberForm, one=True, offered=_is("active"),
    ),
    ConfirmedAction(
        "add_member", "Add member", "invite", "added", _invite,
        _says("A person without an account gets one, and sets a password with “Forgot your password?”."),
        form=InviteForm, one=True, offered=_is("active", "pending", "suspended"),
    ),
    ConfirmedAction(
        "suspend", "Suspend", "close", "suspended", _to(Customer.Status.SUSPENDED),
        _losing_keys("Nobody can make keys for this customer until it is activated again."),
        destructive=True, offered=_is("active"),
    ),
    ConfirmedAction(
        "activate", "Activate", "close", "activated", _to(Customer.Status.ACTIVE),
        _says("Members can make keys from now on. Keys that were revoked stay revoked."),
        offered=_is("pending", "suspended"),
    ),
    ConfirmedAction(
        "close", "Close", "close", "closed", _to(Customer.Status.CLOSED),
        _losing_keys("A closed customer can't be opened again."),
        destructive=True, offered=_is("active", "pending", "suspended"),
    ),
    ConfirmedAction(
        "erase", "Delete", "erase", "deleted", _erase,
        _losing_keys(
            "Its subscriptions are cancelled and its access tokens end.",
            "Name and address are erased, and so are people who belong to no other customer.",
            "The id stays reserved; the audit log keeps its entries, which hold ids only.",
        ),
        form=EraseForm, one=True, destructive=True,
        offered=_is("active", "pending", "suspended", "closed"),
    ),
)  # fmt: skip
