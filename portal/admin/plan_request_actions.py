"""What staff do to requests for another plan: approve and decline."""

from collections.abc import Sequence
from typing import Any

from django import forms

from portal.admin.actions import ActionForm, ConfirmedAction
from portal.core.actor import Actor
from portal.models import IssuedKey, PlanRequest
from portal.services.plan_requests import approve_plan_request, decline_plan_request
from portal.services.plans import effective_plan


class ApproveForm(ActionForm):
    answer = forms.CharField(
        max_length=500, required=False, label="A word to the customer",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Shown on its page with the plans, and in the mail to its owners and admins.",
    )  # fmt: skip


class DeclineForm(ActionForm):
    answer = forms.CharField(
        max_length=500, label="Reason", widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The customer reads it, on its page with the plans and by mail.",
    )  # fmt: skip


def _approve(actor: Actor, request: PlanRequest, values: dict[str, Any]) -> None:
    approve_plan_request(actor, request.pk, values["answer"])


def _decline(actor: Actor, request: PlanRequest, values: dict[str, Any]) -> None:
    decline_plan_request(actor, request.pk, answer=values["answer"])


def _about_approving(requests: Sequence[PlanRequest]) -> list[str]:
    told = ["The customer's live subscription changes its plan; without one, a subscription is made."]
    if len(requests) > 1:
        return [*told, "Keys that exist stay as they are, even where the new plan allows fewer."]
    (request,) = requests
    return [*told, keys_and_plan(request)]


def keys_and_plan(request: PlanRequest) -> str:
    """How the customer's keys stand to the plan that it asks for. One query."""
    in_use, most = (
        IssuedKey.objects.filter(customer=request.customer).counted().count(),
        request.plan.max_keys,
    )
    if most is not None and in_use > most:
        return (
            f"{in_use:,} keys are in use and the plan allows {most:,}: those that exist stay, "
            "and new ones wait until there is room."
        )
    return f"{in_use:,} keys are in use: the plan allows {'any number' if most is None else f'{most:,}'}."


def plan_now(request: PlanRequest) -> str:
    return effective_plan(request.customer)[0].name


ACTIONS = (
    ConfirmedAction(
        "approve", "Approve", "decide", "approved", _approve, _about_approving, form=ApproveForm,
        primary=True, offered=lambda request: request.status == "asked",
    ),
    ConfirmedAction(
        "decline", "Decline", "decide", "declined", _decline,
        lambda requests: ["The plan stays as it is. The customer may ask again."], form=DeclineForm,
        destructive=True, offered=lambda request: request.status == "asked",
    ),
)  # fmt: skip
