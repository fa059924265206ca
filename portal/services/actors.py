"""Who is calling: an ``Actor`` from a signed-in user or from a management token."""

from collections.abc import Iterable

from portal.core.actor import Actor
from portal.core.scopes import ROLE_SCOPES, SCOPES, staff_scopes
from portal.models import ManagementToken, Membership, User


def actor_of_user(
    user: User,
    *,
    recent_sign_in: bool = True,
    as_staff: bool = True,
    memberships: Iterable[Membership] | None = None,
) -> Actor:
    """What the person may do: as staff by permissions, at their customers by role.

    ``as_staff`` is False for a session that is too weak for what staff may do. Who has read all
    of their ``memberships`` already saves a query by passing them.
    """
    roles = _roles(user) if memberships is None else {found.customer_id: found.role for found in memberships}
    return Actor(
        kind="user",
        public_id=user.public_id,
        user_id=user.pk,
        everywhere=_staff_scopes(user) if as_staff else frozenset(),
        by_customer={customer: ROLE_SCOPES[role] for customer, role in roles.items()},
        # Staff give memberships, their own too: these must not open other people's secrets.
        admin_of=frozenset(
            pk for pk, role in roles.items() if role in ("owner", "admin") and not user.is_staff
        ),
        may_reveal=_may_reveal(user),
        recent_sign_in=recent_sign_in,
    )


def themselves(user: User) -> Actor:
    """The person as who changed their own account, which takes no rights. No query."""
    return Actor(kind="user", public_id=user.public_id, user_id=user.pk)


def actor_of_token(token: ManagementToken) -> Actor:
    """What the token may do: its scopes, as far as its owner still holds them."""
    owner = token.owner
    scopes = frozenset(token.scopes) & frozenset(SCOPES)
    by_customer = {}
    everywhere = _staff_scopes(owner) & scopes
    if token.customer_id is not None:
        held = ROLE_SCOPES.get(_roles(owner).get(token.customer_id, ""), frozenset())
        by_customer = {token.customer_id: scopes & (held | everywhere)}
        everywhere = frozenset()
    return Actor(
        kind="token",
        public_id=token.public_id,
        everywhere=everywhere,
        by_customer=by_customer,
        ends_at=token.expires_at,
        may_reveal=_may_reveal(owner),
    )


def _may_reveal(user: User) -> bool:
    return not user.is_staff or user.has_perm("portal.reveal_issuedkey")


def _roles(user: User) -> dict[int, str]:
    memberships = Membership.objects.filter(user=user, customer__deleted_at=None)
    return dict(memberships.values_list("customer_id", "role"))


def _staff_scopes(user: User) -> frozenset[str]:
    if not (user.is_active and user.is_staff):
        return frozenset()
    if user.is_superuser:
        return frozenset(SCOPES)
    return staff_scopes(user.get_all_permissions())
