"""Which routes are pages, and how to get to each in a portal that ``manage.py demo`` has filled."""

from dataclasses import dataclass


@dataclass(frozen=True)
class At:
    """``path`` with placeholders of ``SCENE``; asked for without a session where ``anonymous``."""

    path: str
    anonymous: bool = False
    status: int = 200
    largest: int = 100_000
    """Bytes over the wire on a first visit."""
    is_ours: bool = True
    """False where a library draws the page, heading and landmarks included: axe would judge that."""


PAGES = {
    "": At("/", anonymous=True),
    "accounts/confirm-email/": At("/accounts/confirm-email/", anonymous=True),
    "accounts/confirm-email/(?P<key>[-:\\w]+)/$": At("/accounts/confirm-email/x/", anonymous=True),
    "accounts/email/": At("/accounts/email/"),
    "accounts/inactive/": At("/accounts/inactive/", anonymous=True),
    "accounts/login/": At("/accounts/login/", anonymous=True),
    "accounts/logout/": At("/accounts/logout/"),
    "accounts/password/change/": At("/accounts/password/change/"),
    "accounts/password/reset/": At("/accounts/password/reset/", anonymous=True),
    "accounts/password/reset/done/": At("/accounts/password/reset/done/", anonymous=True),
    "accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": At(
        "/accounts/password/reset/key/1-x/", anonymous=True
    ),
    "accounts/password/reset/key/done/": At("/accounts/password/reset/key/done/", anonymous=True),
    "accounts/reauthenticate/": At("/accounts/reauthenticate/"),
    "accounts/signup/": At("/accounts/signup/", anonymous=True),
    "accounts/2fa/totp/activate/": At("/accounts/2fa/totp/activate/"),
    "accounts/3rdparty/": At("/accounts/3rdparty/"),
    "accounts/3rdparty/login/cancelled/": At("/accounts/3rdparty/login/cancelled/", anonymous=True),
    "accounts/3rdparty/login/error/": At("/accounts/3rdparty/login/error/", anonymous=True, status=401),
    "activity": At("/activity"),
    "api/v1/docs": At("/api/v1/docs", largest=600_000, is_ours=False),  # Swagger UI
    "dashboard": At("/dashboard"),
    "docs": At("/docs"),
    "docs/<slug:page>": At("/docs/verify", anonymous=True),
    "goodbye": At("/goodbye", anonymous=True),
    "invitations/<str:token>": At("/invitations/x", anonymous=True, status=404),
    "keys": At("/keys"),
    "keys/<slug:id>": At("/keys/{key}"),
    "keys/<slug:id>/revoke": At("/keys/{key}/revoke"),
    "keys/<slug:id>/rotate": At("/keys/{key}/rotate"),
    "keys/new": At("/keys/new"),
    "plans": At("/plans"),
    "plans/<slug:slug>/ask": At("/plans/{plan}/ask"),
    "settings": At("/settings"),
    "settings/data": At("/settings/data"),
    "settings/notifications": At("/settings/notifications"),
    "settings/security": At("/settings/security"),
    "settings/tokens": At("/settings/tokens"),
    "settings/tokens/new": At("/settings/tokens/new"),
    "team": At("/team"),
    "team/invite": At("/team/invite"),
    "team/leave": At("/team/leave"),
    "team/members/<slug:id>": At("/team/members/{member}"),
    "team/members/<slug:id>/keys": At("/team/members/{member}/keys"),
    "team/members/<slug:id>/owner": At("/team/members/{member}/owner"),
    "team/members/<slug:id>/remove": At("/team/members/{member}/remove"),
}
"""Route → where it is."""

NO_PAGES = {
    "accounts/2fa/", "accounts/2fa/webauthn/", "accounts/sessions/",  # lead to /settings/security
    "accounts/2fa/authenticate/", "accounts/login/code/confirm/", "accounts/password/set/",
    "accounts/2fa/reauthenticate/", "accounts/2fa/totp/deactivate/", "accounts/2fa/webauthn/reauthenticate/",
    "accounts/2fa/recovery-codes/", "accounts/2fa/recovery-codes/generate/",
    "accounts/2fa/webauthn/keys/<int:pk>/remove/", "accounts/2fa/webauthn/keys/<int:pk>/edit/",
    "accounts/2fa/webauthn/add/", "accounts/3rdparty/signup/",  # in tests/real/test_second_factor_story.py
    "accounts/2fa/recovery-codes/download/", "activity.csv", "settings/data/download",  # files
    "accounts/2fa/webauthn/login/", "branding.css", "language", "welcome",
    "accounts/oidc/<slug:provider_id>/login/", "accounts/oidc/<slug:provider_id>/login/callback/",
    "accounts/social/connections/", "accounts/social/login/cancelled/", "accounts/social/login/error/",
    "accounts/social/signup/",  # lead to 3rdparty
    "keys/<slug:id>/reveal", "plans/requests/<slug:id>/withdraw", "settings/data/delete",
    "settings/security/sign-out", "settings/security/sign-out/<int:id>", "settings/tokens/<slug:id>/revoke",
    "team/invitations/<slug:id>/resend", "team/invitations/<slug:id>/withdraw",  # changes
    "v1/token/<anything:wanted>",  # text for programs
}  # fmt: skip
"""Routes that answer no page to the demo's owner who asks with GET, and why."""

SCENE = """
import json
from portal.management.demo.fill import the_owner
owner = the_owner()
home = owner.memberships.get().customer
print(json.dumps({
    "owner": owner.email,
    "key": home.keys.filter(status="active", retires_at=None, successors=None).first().public_id,
    "member": home.memberships.exclude(user=owner).first().user.public_id,
    "plan": "enterprise",
}))
"""
