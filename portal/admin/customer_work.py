"""What staff start for a customer's person, and then see going on: issuing a key, provisioning."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html

from portal.admin.actions import ActionForm, ConfirmedAction, Landing
from portal.admin.fields import DurationText
from portal.admin.forms import Named
from portal.admin.show import link
from portal.core.actor import Actor
from portal.jobs.run import run_inline
from portal.models import Customer, Operation, User
from portal.services.keys.request import request_key, scope_choices
from portal.services.operations.queue import request_provisioning
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
        scopes.initial = scope_choices(self.plan)
        scopes.choices = [(scope, scope) for scope in scopes.initial]
        if not scopes.initial:
            del self.fields["scopes"]

    def clean_scopes(self) -> list[str] | None:
        """All of them is all that the chosen plugin has: plugins may differ."""
        chosen: list[str] = self.cleaned_data["scopes"]
        return None if chosen == self.fields["scopes"].initial else chosen


def _issue(actor: Actor, customer: Customer, values: dict[str, Any]) -> Any:
    lifetime: timedelta | None = values["expires_in"]
    operation = request_key(
        actor, customer.pk, user=values["user"], name=values["name"], plugin=values.get("plugin"),
        expires_in=lifetime, scopes=values.get("scopes"),
    )  # fmt: skip
    operation = _begun(operation)
    if operation.state != Operation.State.SUCCEEDED:
        return _follow(operation)
    key = operation.key
    assert key is not None
    told = "Key {} issued for {}: they reveal it at {}"
    return format_html(told, link(key), values["user"].email, f"/keys/{key.public_id}")


def _provision(actor: Actor, customer: Customer, values: dict[str, Any]) -> Any:
    operation = request_provisioning(actor, customer.pk, user=values["user"], plugin=values.get("plugin"))
    operation = _begun(operation)
    if operation.state != Operation.State.SUCCEEDED:
        return _follow(operation)
    told = "Provisioned {} at {} ({})"
    return format_html(told, values["user"].email, operation.plugin, link(operation))


def _begun(operation: Operation) -> Operation:
    """The operation as it is once a local plugin has run; any other is left to a worker."""
    run_inline(operation)
    return Operation.objects.select_related("key").get(pk=operation.pk)


def _follow(operation: Operation) -> Landing:
    """The page that tells how it goes on, or why it stopped."""
    return Landing("", reverse("admin:portal_operation_progress", args=[operation.pk]))


def _says(*sentences: str) -> Any:
    return lambda objects: list(sentences)


def _may_have(customer: Customer) -> bool:
    return customer.status == Customer.Status.ACTIVE


ACTIONS = (
    ConfirmedAction(
        "issue_key", "Issue key", "issue", "issued", _issue,
        _says("The key is made now. Its secret is shown once, to its user or this customer's admins."),
        form=IssueKeyForm, one=True, primary=True, offered=_may_have,
    ),
    ConfirmedAction(
        "provision", "Provision", "provision", "provisioned", _provision,
        _says("The person is made known at the plugin. Repeating it changes nothing."),
        form=MemberForm, one=True, offered=_may_have,
    ),
)  # fmt: skip
