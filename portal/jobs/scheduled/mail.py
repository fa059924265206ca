"""Sending what ``services.notices`` finds to be told. The network is used with no transaction open."""

import math
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.urls import reverse

from portal.core.clock import now
from portal.core.failpoints import failpoint
from portal.core.stopping import stopping
from portal.mail.render import Mail, render
from portal.mail.send import MailDelayed, MailRefused, Send, ServerAway, mail_server
from portal.models import Notice, ScheduledJob
from portal.services.notices import OPTIONAL, Letter, Recipient, mark_sent, mark_told, next_letter
from portal.services.reminders import BEFORE_EXPIRY

log = structlog.get_logger("portal.mail")
Kind = Notice.Kind
JOB = "mail"
REPEAT_EVERY = timedelta(seconds=30)
LONGEST_RUN = timedelta(minutes=1)
"""Then the other jobs have their turn: a server may take seconds for each of thousands of mails."""
TEMPLATES = {Kind.UNREVEALED: "secret_unfetched", **dict.fromkeys(BEFORE_EXPIRY, "key_expires")}
"""Kinds whose template isn't called like themselves."""


def is_mail_due() -> bool:
    """Whether something new waits, or it is time to repeat what the server didn't take before."""
    unsent = Notice.objects.filter(sent_at=None).order_by("-pk").values_list("created_at", flat=True)
    newest = unsent.first()
    if newest is None or newest > now() - REPEAT_EVERY:
        return newest is not None
    return not ScheduledJob.objects.filter(name=JOB, finished_at__gt=now() - REPEAT_EVERY).exists()


def send_notices() -> None:
    """Hand every unsent notice to the mail server, one mail a person, and mark it sent after that.

    At least once: a crash between the two repeats that mail. A server that is away only delays;
    one mail that it doesn't take now is passed over until the next run.
    """
    letter, until = next_letter(), now() + LONGEST_RUN
    if letter is None:
        return
    try:
        with mail_server() as send:
            while letter is not None and not stopping.is_set() and now() < until:
                waiting = [one for one in letter.recipients if not _hand_over(letter, one, send)]
                if not waiting:
                    mark_sent(letter)
                letter = next_letter(after=letter.notice_id)
    except ServerAway as exc:
        log.warning("mail.failed", error=str(exc))


def _hand_over(letter: Letter, recipient: Recipient, send: Send) -> bool:
    """Send one person's mail; False when it has to be repeated."""
    event = log.bind(notice=letter.notice_id, kind=letter.kind)
    try:
        send(_written(letter, recipient), recipient.address)
        failpoint("mail.handed_over")
        event.info("mail.sent")
    except MailDelayed as exc:
        event.warning("mail.failed", error=str(exc))
        return False
    except MailRefused as exc:
        event.warning("mail.refused", error=str(exc))  # for good: repeating it would never end
    if len(letter.recipients) > 1:
        mark_told(letter, recipient)
    return True


def _written(letter: Letter, recipient: Recipient) -> Mail:
    return render(
        TEMPLATES.get(Kind(letter.kind), letter.kind),
        language=recipient.language,
        time_zone=recipient.time_zone,
        is_optional=letter.kind in OPTIONAL,
        **_addresses(letter),
        **letter.about,
    )


def _addresses(letter: Letter) -> dict[str, Any]:
    """Where the mail leads, and in how many days what it warns of will happen."""
    deadline, key_id = letter.about.get("deadline"), letter.about.get("key_id")
    path = reverse("key", args=[key_id]) if key_id else reverse("keys")
    return {
        "key_url": settings.PORTAL_BASE_URL + path,
        "days": math.ceil((deadline - now()) / timedelta(days=1)) if deadline else None,
    }
