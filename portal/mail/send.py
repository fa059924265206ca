"""Handing mails over to the mail server that ``EMAIL_URL`` names. ``EMAIL_TIMEOUT`` bounds each step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from smtplib import (
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPServerDisconnected,
)

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from portal.core.metrics import MAILS
from portal.mail.render import AUTO_SUBMITTED, Mail

Send = Callable[[Mail, str], None]
PERMANENT = 500
"""From this reply code on a server means that repeating is of no use (RFC 5321 section 4.2.1)."""


class ServerAway(Exception):
    """The mail server can't be talked to: nothing more can be sent now."""


class MailDelayed(Exception):
    """The server didn't take this mail now; it may take others."""


class MailRefused(Exception):
    """The server will never take this mail for its recipient."""


@contextmanager
def mail_server() -> Iterator[Send]:
    """Yield a function that hands one mail to one recipient, over one connection for all of them.

    It raises one of the three above, named after the error's type: a server's words may hold
    addresses. Returning means that the server took it.
    """
    connection: BaseEmailBackend = get_connection()
    try:
        connection.open()
    except OSError as exc:
        MAILS.labels("server_away").inc()
        raise ServerAway(type(exc).__name__) from None
    try:
        yield lambda mail, recipient: _send(connection, mail, recipient)
    finally:
        connection.close()


def _send(connection: BaseEmailBackend, mail: Mail, recipient: str) -> None:
    message = EmailMultiAlternatives(
        mail.subject, mail.text, to=[recipient], connection=connection,
        headers=AUTO_SUBMITTED,
    )  # fmt: skip
    message.attach_alternative(mail.html, "text/html")
    try:
        message.send()
        MAILS.labels("sent").inc()
    except (SMTPServerDisconnected, SMTPConnectError) as exc:
        raise ServerAway(type(exc).__name__) from None
    except SMTPException as exc:
        answer = _answer(exc)
        MAILS.labels("refused" if answer is MailRefused else "delayed").inc()
        raise answer(type(exc).__name__) from None
    except OSError as exc:
        raise ServerAway(type(exc).__name__) from None


def _answer(error: SMTPException) -> type[MailRefused | MailDelayed]:
    """What the server meant. A refused sender is our configuration, so the mail waits for it."""
    match error:
        case SMTPRecipientsRefused():
            codes = [code for code, _ in error.recipients.values()]
        case SMTPDataError():
            codes = [error.smtp_code]
        case _:
            codes = []
    return MailRefused if codes and min(codes) >= PERMANENT else MailDelayed
