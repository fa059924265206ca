"""The notices that wait for their mail: to whom they go and what they say, as it is when they are sent.

Who left meanwhile is left out, and what has become untrue is dropped. Reminders of one kind about several
keys of a person at one customer go out together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from portal.core.clock import now
from portal.models import Customer, Invitation, IssuedKey, Membership, Notice, User
from portal.services.invitations import invitation_link
from portal.services.keys.reasons import reason_words
from portal.services.keys.reveal import UNREVEALED_FOR
from portal.services.reminders import BEFORE_EXPIRY

Kind, Role = Notice.Kind, Membership.Role
OPTIONAL = {
    Kind.KEY_ISSUED: "wants_key_mail",
    Kind.KEY_ROTATED: "wants_key_mail",
    Kind.UNREVEALED: "wants_reminders",
    **dict.fromkeys(BEFORE_EXPIRY, "wants_reminders"),
}
"""Kinds that a person may switch off, and the field that says so. Whatever else there is always goes out."""
REMINDERS = (Kind.UNREVEALED, *BEFORE_EXPIRY)
TOGETHER = 1000
"""About so many keys one reminder tells at most, and it names ``NAMED`` of them."""
NAMED = 10
_INVITATION = ("invitation__customer", "invitation__invited_by")
_REVOKED = (IssuedKey.Status.REVOKING, IssuedKey.Status.REVOKED)


@dataclass(frozen=True)
class Recipient:
    """One person, and the language and time zone they chose; empty when they chose none."""

    address: str = field(repr=False)
    user_id: int | None = None
    language: str = ""
    time_zone: str = ""


@dataclass(frozen=True)
class Letter:
    """One notice, ready to be written to each recipient; ``about`` fills the mail's words.

    ``others`` are reminders that go out in the same mail, to the same people.
    """

    notice_id: int
    kind: str
    recipients: tuple[Recipient, ...]
    about: Mapping[str, Any] = field(repr=False)
    others: tuple[int, ...] = ()

    @property
    def notices(self) -> "QuerySet[Notice]":
        return Notice.objects.filter(pk__in=(self.notice_id, *self.others))


def next_letter(*, after: int = 0) -> Letter | None:
    """The oldest unsent notice behind number ``after``, or None when all are sent.

    Erases notices on the way that are untrue by now, and ends those with nobody left to tell.
    """
    related = ("key__customer", "key__rotated_from", "customer", *_INVITATION)
    unsent = Notice.objects.filter(sent_at=None).select_related(*related).order_by("pk")
    while (notice := unsent.filter(pk__gt=after).first()) is not None:
        after = notice.pk
        about = _about(notice)
        if about is None:
            notice.delete()
        elif not (recipients := _recipients(notice)):
            Notice.objects.filter(pk=notice.pk).update(sent_at=now())
        elif notice.kind not in REMINDERS:
            return Letter(notice.pk, notice.kind, recipients, about)
        elif not _alike(notice).filter(pk__lt=notice.pk).exists():  # else it waits together with that one
            return _reminder(notice, recipients, about)
    return None


def mark_told(letter: Letter, recipient: Recipient) -> None:
    """Note that this person's mail was handed over, while others' still wait."""
    notice = Notice.objects.filter(pk=letter.notice_id).first()
    if notice is not None:
        told = [*notice.detail.get("told", ()), recipient.user_id]
        letter.notices.update(detail={**notice.detail, "told": told})


def mark_sent(letter: Letter) -> None:
    """Note that the mail was handed over for everybody."""
    letter.notices.update(sent_at=now())


def _alike(notice: Notice) -> "QuerySet[Notice]":
    """Unsent reminders for the same people, who were told as little of them, about other keys."""
    assert notice.key is not None
    return Notice.objects.filter(
        sent_at=None, kind=notice.kind, detail=notice.detail, key__customer=notice.key.customer_id,
        key__user=notice.key.user_id,
    ).exclude(pk=notice.pk).order_by("pk")  # fmt: skip


def _reminder(notice: Notice, recipients: tuple[Recipient, ...], about: dict[str, Any]) -> Letter:
    """The letter about this key, and about those for which there is the same to say."""
    abouts, others = [about], []
    alike = _alike(notice).filter(pk__gt=notice.pk).select_related("key__customer", "key__rotated_from")
    for other in alike[: TOGETHER - 1]:
        if (said := _about(other)) is not None:
            abouts.append(said)
            others.append(other.pk)
    if others:
        abouts.sort(key=lambda said: said["deadline"])
        about = {
            "customer_name": about["customer_name"],
            "count": len(abouts),
            "deadline": abouts[0]["deadline"],
            "key_names": tuple(said["key_name"] for said in abouts[:NAMED]),
            "unnamed": max(0, len(abouts) - NAMED),
        }
    return Letter(notice.pk, notice.kind, recipients, about, tuple(others))


def _about(notice: Notice) -> dict[str, Any] | None:
    """What the mail says; None when it isn't true any more."""
    if notice.key is not None:
        return _about_key(notice.key, notice.kind)
    if notice.invitation is not None:
        return _about_invitation(notice.invitation, notice.detail)
    said = {name: value for name, value in notice.detail.items() if name != "told"}
    if "reason" in said:
        said["reason"] = reason_words(said["reason"])
    if "at" in said:
        said["at"] = datetime.fromisoformat(said["at"])
    return said if notice.customer is None else {**said, "customer_name": notice.customer.name}


def _about_key(key: IssuedKey, kind: str) -> dict[str, Any] | None:
    said = {"key_id": key.public_id, "key_name": key.name, "customer_name": key.customer.name}
    if kind == Kind.KEY_REVOKED:
        return {**said, "reason": reason_words(key.revoke_reason)} if key.status in _REVOKED else None
    if not key.is_usable or key.retires_at is not None or key.activated_at is None:
        return None
    if kind == Kind.UNREVEALED:
        return {**said, "deadline": key.activated_at + UNREVEALED_FOR} if key.secret_available else None
    if kind == Kind.KEY_ROTATED:
        return {**said, "old_ends_at": key.rotated_from and key.rotated_from.retires_at}
    if kind in BEFORE_EXPIRY and key.expires_at is None:
        return None
    return {**said, "deadline": key.expires_at, "unrevealed": key.secret_available}


def _about_invitation(invitation: Invitation, detail: Mapping[str, Any]) -> dict[str, Any] | None:
    """An older link doesn't work any more once a newer one was asked for."""
    is_open = invitation.accepted_at is None and invitation.withdrawn_at is None
    if not is_open or invitation.customer.deleted_at is not None:
        return None
    if invitation.expires_at <= now() or detail.get("version") != invitation.version:
        return None
    inviter = invitation.invited_by
    return {
        "customer_name": invitation.customer.name,
        "invited_by": inviter.email if inviter else "",
        "role": invitation.role,
        "deadline": invitation.expires_at,
        "invitation_url": invitation_link(invitation),
    }


def _recipients(notice: Notice) -> tuple[Recipient, ...]:
    """Those who may know and want to, as far as they are here still and were not told yet."""
    if notice.invitation is not None:
        reader = User.objects.filter(email=notice.invitation.email).first() or notice.invitation.invited_by
        return (_invited(notice.invitation.email, reader),)
    people = _people(notice).filter(is_active=True).exclude(pk__in=notice.detail.get("told", ()))
    if notice.kind in OPTIONAL:
        people = people.filter(**{OPTIONAL[Kind(notice.kind)]: True})
    return tuple(_recipient(user) for user in people.order_by("pk"))


def _people(notice: Notice) -> "QuerySet[User]":
    if notice.key is not None:
        told = Q(role=Role.OWNER) | Q(user=notice.key.user_id)
        return _members(notice.key.customer, told)
    if notice.customer is not None:
        told = Q(user=notice.user_id) if notice.user_id else Q(role__in=(Role.OWNER, Role.ADMIN))
        return _members(notice.customer, told)
    return User.objects.filter(notices=notice)


def _members(customer: Customer, which: Q) -> "QuerySet[User]":
    return User.objects.filter(pk__in=Membership.objects.filter(which, customer=customer).values("user"))


def _invited(address: str, reader: User | None) -> Recipient:
    """Who has no account yet reads what the inviter reads, as far as we can tell."""
    if reader is None:
        return Recipient(address)
    user_id = reader.pk if reader.email == address else None
    return Recipient(address, user_id, reader.language, reader.time_zone)


def _recipient(user: User) -> Recipient:
    return Recipient(user.email, user.pk, user.language, user.time_zone)
