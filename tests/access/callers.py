"""Who asks, at one customer that everything belongs to."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.test import Client

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.jobs.run import run_inline
from portal.models import Customer, Invitation, PlanRequest, User
from portal.services.access_tokens import create_access_token
from portal.services.invitations import invitation_link
from portal.services.keys.request import request_key
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    PhoneTokenFactory,
    PlanFactory,
    SubscriptionFactory,
    UserFactory,
)  # fmt: skip
from tests.web.conftest import sign_in

CALLERS = ("anonymous", "stranger", "viewer", "developer", "admin", "owner", "staff")
"""Staff without any permission, who belong to no customer; a stranger owns another customer."""
OUTSIDERS = ("anonymous", "stranger", "staff")
MARK = "Quillfeather"
"""Part of every name at the customer: no outsider may ever read it."""
NOUNS = {
    "customers": "customer", "keys": "key", "operations": "operation", "users": "user", "members": "user",
    "plans": "plan", "subscriptions": "subscription", "access-tokens": "token", "tokens": "token",
    "invitations": "invitation", "requests": "request", "docs": "page",
}  # fmt: skip
"""What an id behind this part of a path names."""


@dataclass
class Scene:
    """A customer with one of everything; ``places`` are what stands in the routes' placeholders."""

    customer: Customer = field(default_factory=lambda: CustomerFactory(name=f"{MARK} Ltd"))
    places: dict[str, str] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    key: int = 0
    """The issued key's primary key; rows of other tables may have none of that number."""
    _sessions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for role in ("viewer", "developer", "admin", "owner"):
            user = UserFactory(name=f"{MARK} {role}", email=f"{role}@{MARK.lower()}.example")
            self.users[role] = MembershipFactory(customer=self.customer, user=user, role=role).user
        self.users["stranger"] = MembershipFactory(role="owner").user
        self.users["staff"] = UserFactory(is_staff=True)
        owner, colleague = (
            self.users["owner"],
            MembershipFactory(customer=self.customer, role="developer").user,
        )
        User.objects.filter(pk=colleague.pk).update(name=f"{MARK} colleague")
        plan = PlanFactory(slug="larger", name="Larger")
        operation = request_key(SYSTEM, self.customer.pk, user=owner, name=f"{MARK} key")
        run_inline(operation)
        operation.refresh_from_db()
        assert operation.key is not None
        self.key = operation.key.pk
        PhoneTokenFactory(pk=self.key, xid=f"{MARK}.order")
        invitation = Invitation.objects.create(
            customer=self.customer, email=f"invited@{MARK.lower()}.example", invited_by=owner,
            expires_at=now() + timedelta(days=1),
        )  # fmt: skip
        token, _ = create_access_token(
            SYSTEM, owner=owner, scopes=["keys:read"], customer=self.customer, name=f"{MARK} script"
        )
        self.places = {
            "customer": self.customer.public_id,
            "owner": owner.email,
            "key": operation.key.public_id,
            "operation": operation.public_id,
            "user": colleague.public_id,
            "plan": plan.slug,
            "subscription": SubscriptionFactory(customer=self.customer, plan=plan).public_id,
            "token": token.public_id,
            "invitation": invitation.public_id,
            "name": str(self.customer),
            "page": "calls",
            "link": invitation_link(invitation).rsplit("/", 1)[1],
            "request": PlanRequest.objects.create(
                customer=self.customer, plan=plan, asked_by=owner
            ).public_id,
        }

    def client(self, caller: str) -> Client:
        """A browser in which the caller signed in just now; another one each time, of the same session."""
        client = Client(raise_request_exception=False)
        if caller != "anonymous":
            if caller not in self._sessions:
                self._sessions[caller] = (
                    sign_in(self.users[caller]).cookies[settings.SESSION_COOKIE_NAME].value
                )
            client.cookies[settings.SESSION_COOKIE_NAME] = self._sessions[caller]
        return client

    def filled(self, body: dict[str, Any]) -> dict[str, Any]:
        """A request's members with this customer's ids in their places."""
        return {
            name: value.format(**self.places) if isinstance(value, str) else value
            for name, value in body.items()
        }

    def path(self, route: str) -> str:
        """The route's path at this customer: what a placeholder means is said by the part before it."""
        if route.startswith("invitations/"):
            return f"/invitations/{self.places['link']}"
        parts = [""]
        for part in route.replace("$", "").split("/"):
            if re.fullmatch(r"<int:\w+>", part):
                parts.append("1000000")
            elif re.search(r"<\w+", part):
                parts.append(self.places.get(NOUNS.get(parts[-1], ""), "x"))
            else:
                parts.append(part)
        return "/".join(parts)

    def admin_path(self, route: str) -> str:
        """The same of the admin's routes, which name rows by their primary keys."""
        return "/" + re.sub(r"<\w+:\w+>|\(\?P<[^/]*", lambda _: str(self.key), route).replace("$", "")
