"""Users as staff see them: created, changed, let in or kept out, and what staff may do."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from portal.core.actor import SYSTEM, Actor
from portal.core.errors import Conflict, Invalid, NotFound
from portal.models import User
from portal.services.audit import Action, record
from portal.services.sessions import end_sessions
from provisioning.secret import Secret

FIELDS = ("name", "is_active", "is_staff", "is_superuser")


def create_user(
    actor: Actor,
    *,
    email: str,
    name: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
    groups: Iterable[Group] = (),
) -> User:
    """Store a person without a password: they set one with a link by mail."""
    email = User.objects.normalize_email(email)
    try:
        validate_email(email)
    except ValidationError as exc:
        raise Invalid.field("email", "is no e-mail address") from exc
    with transaction.atomic():
        try:
            with transaction.atomic():
                user = User.objects.create_user(
                    email, None, name=name, is_staff=is_staff, is_superuser=is_superuser
                )
                # As good as proven: without a password only who reads that mailbox gets in.
                EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        except IntegrityError as exc:
            raise Conflict("user_exists", "Somebody has this e-mail already. Nothing was created.") from exc
        user.groups.set(groups)
        record(actor, Action.USER_CREATED, user.public_id, staff=is_staff)
    return user


def create_staff(email: str, password: Secret | None) -> Secret:
    """Store a staff account with all permissions and return its password, made here when None."""
    chosen = password or Secret(secrets.token_urlsafe(15))
    with transaction.atomic():
        user = create_user(SYSTEM, email=email, is_staff=True, is_superuser=True)
        user.set_password(chosen.reveal())
        user.save(update_fields=["password"])
    return chosen


def update_user(actor: Actor, user_id: int, changes: Mapping[str, Any]) -> User:
    """Change a person's name, whether they may sign in, or what they may do as staff.

    Raises ``Conflict`` for shutting oneself out and for the last superuser.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
        if user is None:
            raise NotFound("user")
        changed = [name for name in FIELDS if name in changes and getattr(user, name) != changes[name]]
        for name in changed:
            setattr(user, name, changes[name])
        _keep_staff(actor, user, changed)
        if changed:
            user.save(update_fields=changed)
        if not user.is_active:
            end_sessions(user)  # else they would go on once the person is let in again
        if "groups" in changes and set(changes["groups"]) != set(user.groups.all()):
            user.groups.set(changes["groups"])
            changed.append("groups")
        if changed:
            record(actor, Action.USER_CHANGED, user.public_id, fields=changed,
                   active=user.is_active, staff=user.is_staff)  # fmt: skip
    return user


def _keep_staff(actor: Actor, user: User, changed: list[str]) -> None:
    lost = [
        name
        for name in ("is_active", "is_staff", "is_superuser")
        if name in changed and not getattr(user, name)
    ]
    if not lost:
        return
    if actor.user_id == user.pk:
        raise Conflict(
            "not_yourself", "You can't shut yourself out: ask another superuser. Nothing was changed."
        )
    others = User.objects.select_for_update(no_key=True).filter(
        is_superuser=True, is_staff=True, is_active=True
    )
    if not any(other.pk != user.pk for other in others):
        raise Conflict("last_superuser", "Somebody has to be superuser: make another one first.")


def save_staff_group(
    actor: Actor, group_id: int | None, *, name: str, permissions: Iterable[Permission]
) -> Group:
    """Store what the members of a group of staff may do."""
    with transaction.atomic():
        group = (
            Group.objects.select_for_update(no_key=True).filter(pk=group_id).first() if group_id else Group()
        )
        if group is None:
            raise NotFound("group")
        group.name = name
        try:
            with transaction.atomic():
                group.save()
        except IntegrityError as exc:
            raise Conflict(
                "group_exists", "There is a group of this name already. Nothing was changed."
            ) from exc
        group.permissions.set(permissions)
        record(actor, Action.STAFF_GROUP_CHANGED, f"grp_{group.pk}",
               permissions=sorted(permission.codename for permission in permissions))  # fmt: skip
    return group
