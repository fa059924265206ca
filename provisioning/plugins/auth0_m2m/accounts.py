"""What customers and people are at Auth0: an organization each, a user each, and the membership between."""

import re
import secrets
import string
from datetime import timedelta
from hashlib import sha256
from typing import Any

from provisioning.contract import Calls, RemoteUser, Resource
from provisioning.errors import Misconfigured, Rejected, Transient
from provisioning.plugins.auth0_m2m.api import PAGE, ManagementApi
from provisioning.plugins.auth0_m2m.errors import AlreadyThere, NotThere
from provisioning.plugins.auth0_m2m.limits import Kind

_AGAIN = timedelta(seconds=1)


class Accounts:
    """``connection`` is where new users are stored; ``portal`` tells this portal from the tenant's others."""

    def __init__(self, api: ManagementApi, *, portal: str, connection: str) -> None:
        self._api, self._portal, self._connection = api, portal, connection

    def find(self, customer_id: str, email: str) -> RemoteUser | None:
        """The person, if Auth0 has them as a member of the customer's organization."""
        organization = self._find_organization(customer_id)
        user = self._find_user(customer_id, email) if organization else None
        if organization is None or user is None or organization.id not in self._organizations_of(user.id):
            return None
        return RemoteUser(user.id, email, organization.id)

    def ensure(self, customer_id: str, email: str, calls: Calls) -> RemoteUser:
        """Find or create organization, user and membership, each once; asks nothing where all is known."""
        organization = calls.ensure(
            "organization",
            create=lambda: self._create_organization(customer_id),
            find=lambda: self._find_organization(customer_id),
            account="organization",
        )
        user = calls.ensure(
            _user_step(email),
            create=lambda: self._create_user(email),
            find=lambda: self._find_user(customer_id, email),
            account="user",
            personal=True,
        )

        known = RemoteUser(user.id, email, organization.id)

        def join() -> Resource:
            self._join(known, calls)
            return user

        step = f"member-{_digest(organization.id, user.id)}"
        calls.ensure(step, create=join, find=join, account="membership", personal=True)
        return known

    def describe(self, customer_id: str, user: RemoteUser, subscription_id: str | None, calls: Calls) -> None:
        """Tell Auth0 once which customer and subscription the user is of."""

        def tell() -> Resource:
            self._describe(customer_id, user, subscription_id, calls)
            return Resource(user.id)

        step = f"app-metadata-{_digest(user.id, subscription_id or '')}"
        calls.ensure(step, create=tell, find=tell, account="app_metadata", personal=True)

    def renew(self, customer_id: str, user: RemoteUser, subscription_id: str | None, calls: Calls) -> None:
        """Join and describe whatever was done before: somebody may have changed it at Auth0."""
        self._join(user, calls)
        self._describe(customer_id, user, subscription_id, calls)

    def forget_if_gone(self, organization_id: str, calls: Calls) -> bool:
        """Whether somebody deleted the organization in Auth0; the next request then makes a new one."""
        try:
            self._api.read(
                Kind.OTHER, "read:organizations", lambda sdk: sdk.organizations.get(organization_id)
            )
        except NotThere:
            calls.forget("organization", account="organization")
            return True
        return False

    def _start_over(self, user: RemoteUser, calls: Calls) -> Transient:
        """Auth0 knows one of them no more: let the next attempt create it anew."""
        what = "organization" if self.forget_if_gone(user.organization_id or "", calls) else "user"
        if what == "user":
            calls.forget(_user_step(user.email), account="user", personal=True)
        told = f"The {what} was deleted in Auth0; another is created."
        return Transient(f"auth0_{what}_gone", told, retry_after=_AGAIN)

    def _join(self, user: RemoteUser, calls: Calls) -> None:
        """Joining again changes nothing (Auth0 answers 204)."""
        organization = user.organization_id or ""
        try:
            self._api.write(
                Kind.MEMBER,
                "create:organization_members",
                lambda sdk: sdk.organizations.members.create(organization, members=[user.id]),
            )
        except NotThere:
            raise self._start_over(user, calls) from None

    def _describe(
        self, customer_id: str, user: RemoteUser, subscription_id: str | None, calls: Calls
    ) -> None:
        """Auth0 merges what it is told into the user's other ``app_metadata``; null removes a member."""
        told = {"customerId": customer_id, "subscriptionId": subscription_id}
        try:
            self._api.write(
                Kind.USER_WRITE, "update:users", lambda sdk: sdk.users.update(user.id, app_metadata=told)
            )
        except NotThere:
            raise self._start_over(user, calls) from None

    def _create_organization(self, customer_id: str) -> Resource:
        try:
            made = self._api.write(
                Kind.ORGANIZATION_WRITE,
                "create:organizations",
                lambda sdk: sdk.organizations.create(
                    name=organization_name(customer_id, self._portal),
                    display_name=customer_id,
                    metadata=self._proof(customer_id),
                ),
            )
        except AlreadyThere:
            raise _look_again("organization") from None
        return Resource(made["id"])

    def _find_organization(self, customer_id: str) -> Resource | None:
        """By its name; only what carries our proof is this customer's."""
        name = organization_name(customer_id, self._portal)
        try:
            found = self._api.read(
                Kind.ORGANIZATION_BY_NAME,
                "read:organizations",
                lambda sdk: sdk.organizations.get_by_name(name),
            )
        except NotThere:
            return None
        metadata = found.get("metadata") or {}
        if any(metadata.get(member) != value for member, value in self._proof(customer_id).items()):
            raise Misconfigured(
                "auth0_organization_taken",
                f"The organization {name} in Auth0 isn't marked as this customer's, so nothing was done with "
                "it. Rename or delete it there if nobody needs it, then retry.",
            )
        return Resource(found["id"])

    def _proof(self, customer_id: str) -> dict[str, str]:
        return {"customerId": customer_id, "portal": self._portal}

    def _create_user(self, email: str) -> Resource:
        """Nobody knows the password: the person sets one when they ever sign in at Auth0."""
        try:
            made = self._api.write(
                Kind.USER_WRITE,
                "create:users",
                lambda sdk: sdk.users.create(
                    connection=self._connection,
                    email=email.lower(),
                    password=_password(),
                    email_verified=False,
                    verify_email=False,
                ),
            )
        except AlreadyThere:
            raise _look_again("user") from None
        except Rejected:
            raise Misconfigured(
                "auth0_user_refused",
                f"Auth0 refuses to create a person in the connection “{self._connection}”. Is there such a "
                "database connection, and does its password policy take 48 random characters? Mend it there "
                "or name another in PLUGIN_AUTH0_M2M_CONNECTION, then retry. Nothing was created.",
            ) from None
        return Resource(made["user_id"])

    def _find_user(self, customer_id: str, email: str) -> Resource | None:
        """Auth0 stores e-mails in lower case. Of several users with one: ours, a verified one, any."""
        found = self._api.read_list(
            Kind.USER_READ, "read:users", lambda sdk: sdk.users.list_users_by_email(email=email.lower())
        )

        def rank(user: dict[str, Any]) -> tuple[bool, bool, str]:
            ours = (user.get("app_metadata") or {}).get("customerId") == customer_id
            return not ours, not user.get("email_verified"), str(user["user_id"])

        same = [user for user in found if str(user.get("email", "")).lower() == email.lower()]
        return Resource(min(same, key=rank)["user_id"]) if same else None

    def _organizations_of(self, user_id: str) -> set[str]:
        pages = self._api.pages(
            Kind.USER_READ,
            "read:organizations",
            lambda sdk, page: sdk.users.organizations.list(user_id, page=page, per_page=PAGE),
        )
        return {organization["id"] for items in pages for organization in items}


def organization_name(customer_id: str, portal: str) -> str:
    """A name within Auth0's 50 characters that no other customer, of no other portal, can have.

    It begins with as much of the id as fits, for people; the digest tells customers apart.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", customer_id.lower()).strip("-")[:17].strip("-")
    return f"{readable or 'customer'}-{_digest(portal, customer_id)[:32]}"


def _password() -> str:
    """Of all kinds of characters, and never the same twice in a row, as Auth0's strictest policy has it."""
    kinds = (string.ascii_lowercase, string.digits, string.ascii_uppercase, "!@#$%^&*")
    return "".join(secrets.choice(kind) for _ in range(12) for kind in kinds)


def _user_step(email: str) -> str:
    return f"user-{_digest(email)[:32]}"


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:40]


def _look_again(what: str) -> Transient:
    return Transient("auth0_conflict", f"Auth0 has such a {what} already; looking for it.")
