"""What a caller may do: scopes, the customers' roles that hold them, staff's permissions."""

from collections.abc import Iterable

from django.utils.translation import gettext_noop as _

SCOPES: dict[str, str] = {
    "plans:read": _("See plans"),
    "plans:write": _("Create and change plans"),
    "customers:read": _("See customers, their users and subscriptions"),
    "customers:write": _("Change customers, their users and subscriptions"),
    "provision:write": _("Provision a customer at a plugin"),
    "keys:read": _("See keys, never their secrets"),
    "keys:write": _("Create, reveal, rotate and revoke keys"),
    "operations:read": _("See operations"),
    "operations:write": _("Retry and cancel operations"),
    "plugins:read": _("See plugins and their health"),
    "audit:read": _("Read the audit log"),
    "access_tokens:read": _("See access tokens"),
    "access_tokens:write": _("Create and revoke access tokens"),
    "tokens:introspect": _("Ask whether a key is active"),
    "tokens:read": _("Find phone tokens and see their numbers"),
    "tokens:write": _("Fetch phone tokens"),
    "metrics:read": _("Read /metrics: how busy the portal is, no ids"),
}
"""Each scope in words: English at the API, translated where a page shows them."""

_VIEWER = frozenset({"plans:read", "customers:read", "keys:read", "operations:read", "plugins:read"})
_DEVELOPER = _VIEWER | {"keys:write", "tokens:introspect"}
_ADMIN = _DEVELOPER | {
    "customers:write", "provision:write", "audit:read", "access_tokens:read", "access_tokens:write",
}  # fmt: skip

ROLE_SCOPES: dict[str, frozenset[str]] = {
    "viewer": _VIEWER,
    "developer": _DEVELOPER,
    "admin": _ADMIN,
    "owner": _ADMIN,
}

BOUND_SCOPES = frozenset(SCOPES) - {"plans:write", "tokens:read", "tokens:write", "metrics:read"}
"""What makes sense for a token that is bound to one customer."""

STAFF_PERMISSIONS: dict[str, tuple[str, ...]] = {
    "plans:read": ("view_plan",),
    "plans:write": ("add_plan", "change_plan"),
    "customers:read": ("view_customer", "view_membership", "view_subscription"),
    "customers:write": (
        "add_customer",
        "change_customer",
        "delete_customer",
        "add_membership",
        "change_membership",
        "delete_membership",
        "add_subscription",
        "change_subscription",
    ),
    "provision:write": ("provision_customer",),
    "keys:read": ("view_issuedkey",),
    "keys:write": ("issue_issuedkey", "rotate_issuedkey", "revoke_issuedkey"),
    "operations:read": ("view_operation",),
    "operations:write": ("retry_operation", "cancel_operation"),
    "plugins:read": ("view_customer",),
    "audit:read": ("view_auditevent",),
    "access_tokens:read": ("view_managementtoken",),
    "access_tokens:write": ("add_managementtoken", "delete_managementtoken"),
    "tokens:introspect": ("view_issuedkey",),
    "tokens:read": ("view_phonetoken", "show_phone_number"),
    "tokens:write": ("issue_phonetoken",),
    "metrics:read": ("view_operation", "view_signingkey"),
}
"""A staff member holds a scope when all of these Django permissions are theirs."""


def staff_scopes(permissions: Iterable[str]) -> frozenset[str]:
    """Scopes that follow from Django permissions (``portal.view_plan``)."""
    held = set(permissions)
    return frozenset(
        scope
        for scope, needed in STAFF_PERMISSIONS.items()
        if all(f"portal.{name}" in held for name in needed)
    )
