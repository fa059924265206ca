"""What staff do to a customer: approve, decline, add a member, suspend, reactivate, close, delete."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Count

from portal.admin.actions import ActionForm, ConfirmedAction
from portal.core.actor import Actor
from portal.core.errors import Conflict
from portal.models import Customer, IssuedKey, Membership
from portal.services.customers import (
    approve_customer,
    decline_customer,
    delete_customer,
    update_customer,
)
from portal.services.members import add_member

_READ_BY_CUSTOMER = "The customer's people read it on all their pages."


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


class ReasonForm(ActionForm):
    """Says why, or leaves it open."""

    reason = forms.CharField(
        max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_READ_BY_CUSTOMER
    )


class DeclineForm(ActionForm):
    reason = forms.CharField(
        max_length=300, widget=forms.Textarea(attrs={"rows": 3}), help_text=_READ_BY_CUSTOMER
    )


class EraseForm(ActionForm):
    sure = forms.BooleanField(label="Yes, erase this customer's personal data. It can't be brought back.")


def _invite(actor: Actor, customer: Customer, values: dict[str, Any]) -> Any:
    membership = add_member(actor, customer.pk, **values)
    return f"Added {membership.user.email} as {membership.role}."


def _approve(actor: Actor, customer: Customer, values: dict[str, Any]) -> None:
    approve_customer(actor, customer.pk)


def _decline(actor: Actor, customer: Customer, values: dict[str, Any]) -> None:
    decline_customer(actor, customer.pk, reason=values["reason"])


def _reactivate(actor: Actor, customer: Customer, values: dict[str, Any]) -> None:
    if customer.status != Customer.Status.SUSPENDED:
        # Bringing back many must not approve those that nobody looked at.
        raise Conflict("transition_not_allowed", "This customer is not suspended. Nothing was changed.")
    update_customer(actor, customer.pk, {"status": Customer.Status.ACTIVE})


def _suspend(actor: Actor, customer: Customer, values: dict[str, Any]) -> None:
    _stop(actor, customer, Customer.Status.SUSPENDED, values)


def _close(actor: Actor, customer: Customer, values: dict[str, Any]) -> None:
    _stop(actor, customer, Customer.Status.CLOSED, values)


def _stop(actor: Actor, customer: Customer, status: str, values: dict[str, Any]) -> None:
    update_customer(actor, customer.pk, {"status": status, "status_reason": values["reason"]})


def _erase(actor: Actor, customer: Customer, values: dict[str, Any]) -> None:
    delete_customer(actor, customer.pk)


def _says(*sentences: str) -> Any:
    return lambda objects: list(sentences)


def _losing_keys(*sentences: str) -> Any:
    return lambda objects: [_keys_that_go(objects), *sentences]


def _keys_that_go(objects: Sequence[Customer]) -> str:
    """``3 keys will be revoked, at once and for good: 2 at jwt, 1 at kong-gateway.``"""
    alive = IssuedKey.objects.filter(customer__in=objects).alive().order_by()
    counted = sorted(alive.values_list("plugin").annotate(Count("pk")))
    total = sum(number for _, number in counted)
    if not total:
        return "No key is affected: there is none that works."
    places = ", ".join(f"{number:,} at {plugin}" for plugin, number in counted)
    return f"{total:,} key{'s' * (total != 1)} will be revoked, at once and for good: {places}."


def _is(*statuses: str) -> Any:
    return lambda customer: customer.status in statuses and customer.deleted_at is None


ACTIONS = (
    ConfirmedAction(
        "approve", "Approve", "close", "approved", _approve,
        _says("Members can make keys from now on. Owners and admins are told by mail."),
        primary=True, offered=_is("pending"),
    ),
    ConfirmedAction(
        "decline", "Decline", "close", "declined", _decline,
        _says("The customer is closed, which can't be undone. Owners and admins are told why by mail."),
        form=DeclineForm, destructive=True, offered=_is("pending"),
    ),
    ConfirmedAction(
        "add_member", "Add member", "invite", "added", _invite,
        _says("A person without an account gets one, and sets a password with “Forgot your password?”."),
        form=InviteForm, one=True, offered=_is("active", "pending", "suspended"),
    ),
    ConfirmedAction(
        "suspend", "Suspend", "close", "suspended", _suspend,
        _losing_keys("Nobody can make keys for this customer until it is activated again."),
        form=ReasonForm, destructive=True, offered=_is("active"),
    ),
    ConfirmedAction(
        "activate", "Reactivate", "close", "reactivated", _reactivate,
        _says("Members can make keys again. Keys that were revoked stay revoked."),
        offered=_is("suspended"),
    ),
    ConfirmedAction(
        "close", "Close", "close", "closed", _close,
        _losing_keys("A closed customer can't be opened again."),
        form=ReasonForm, destructive=True, offered=_is("active", "suspended"),
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
