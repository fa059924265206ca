"""Sending what ``services.notices`` prepared. The network is used with no transaction open."""

import math
from datetime import timedelta

import structlog
from django.conf import settings
from django.urls import reverse

from portal.core.clock import now
from portal.core.failpoints import failpoint
from portal.core.stopping import stopping
from portal.mail.render import Mail, render
from portal.mail.send import MailDelayed, MailRefused, Send, ServerAway, mail_server
from portal.models import Notice
from portal.services.notices import Letter, mark_sent, next_letter

log = structlog.get_logger("portal.mail")


def send_notices() -> None:
    """Hand every unsent notice to the mail server, and mark it sent after that.

    At least once: a crash between the two repeats that mail. A server that is away only delays;
    one mail that it doesn't take now is passed over until the next run.
    """
    letter = next_letter()
    if letter is None:
        return
    try:
        with mail_server() as send:
            while letter is not None and not stopping.is_set():
                _hand_over(letter, send)
                letter = next_letter(after=letter.notice_id)
    except ServerAway as exc:
        log.warning("mail.failed", error=str(exc))


def _hand_over(letter: Letter, send: Send) -> None:
    event = log.bind(notice=letter.notice_id, kind=letter.kind)
    try:
        send(_written(letter), letter.recipients)
        failpoint("mail.handed_over")
        event.info("mail.sent")
    except MailDelayed as exc:
        event.warning("mail.failed", error=str(exc))
        return
    except MailRefused as exc:
        event.warning("mail.refused", error=str(exc))  # for good: repeating it would never end
    mark_sent(letter.notice_id)


def _written(letter: Letter) -> Mail:
    name = "secret_unfetched" if letter.kind == Notice.Kind.UNREVEALED else "key_expires"
    return render(
        name,
        key_name=letter.key_name,
        customer_name=letter.customer_name,
        deadline=letter.deadline,
        days=math.ceil((letter.deadline - now()) / timedelta(days=1)),
        key_url=settings.PORTAL_BASE_URL + reverse("key", args=[letter.key_id]),
    )
