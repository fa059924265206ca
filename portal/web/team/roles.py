"""Roles as people call them, and what each may do."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.core.scopes import ROLE_SCOPES
from portal.models import Membership, User

Role = Membership.Role
ROLES: dict[str, Promise] = {
    Role.OWNER: pgettext_lazy("role", "Owner"),
    Role.ADMIN: pgettext_lazy("role", "Admin"),
    Role.DEVELOPER: pgettext_lazy("role", "Developer"),
    Role.VIEWER: pgettext_lazy("role", "Viewer"),
}
"""The most powerful first."""
MEANING: dict[str, Promise] = {
    Role.OWNER: _("Does everything, and decides who else is an owner."),
    Role.ADMIN: _("Manages people, plan, access tokens and all keys."),
    Role.DEVELOPER: _("Creates, rotates and revokes keys."),
    Role.VIEWER: _("Looks at keys, plan and team, and changes nothing."),
}
_ABILITIES: tuple[tuple[str, Promise], ...] = (
    ("keys:read", _("See keys, plan and team")),
    ("keys:write", _("Create, rotate and revoke keys")),
    ("customers:write", _("Invite, change and remove people")),
    ("audit:read", _("Read the activity")),
    ("access_tokens:write", _("Create access tokens for scripts")),
)
_OWNERS_ALONE = _("Make owners and hand ownership over")


@dataclass(frozen=True)
class Ability:
    words: Promise
    held: tuple[bool, ...]
    """By each of ``ROLES``, in their order."""


def abilities() -> list[Ability]:
    """What roles differ in, told by the scopes that they hold."""
    rows = [
        Ability(words, tuple(scope in ROLE_SCOPES[role] for role in ROLES)) for scope, words in _ABILITIES
    ]
    return [*rows, Ability(_OWNERS_ALONE, tuple(role == Role.OWNER for role in ROLES))]


def called(person: User) -> str:
    """A person's name, or the e-mail of one who gave none."""
    return person.name or person.email
