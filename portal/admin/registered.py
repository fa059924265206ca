"""Every page of the admin: importing a noun's module registers it. ``portal.apps`` imports this."""

from portal.admin import (
    access_tokens,
    audit_events,
    customers,
    groups,
    issued_keys,
    memberships,
    operations,
    phone_tokens,
    plan_requests,
    plans,
    plugin_states,
    signing_keys,
    subscriptions,
    users,
)  # fmt: skip

__all__ = [
    "access_tokens", "audit_events", "customers", "groups", "issued_keys", "memberships", "operations",
    "phone_tokens", "plan_requests", "plans", "plugin_states", "signing_keys", "subscriptions", "users",
]  # fmt: skip
