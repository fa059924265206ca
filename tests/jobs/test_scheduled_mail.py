"""Notices become mails: at least once, in time, to whoever may know, and never a secret."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from smtplib import SMTPConnectError, SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from portal.core.actor import SYSTEM
from portal.core.failpoints import on_failpoint
from portal.core.sealing import unseal
from portal.jobs.run import run_inline
from portal.jobs.scheduled.mail import is_mail_due, send_notices
from portal.models import IssuedKey, Membership, Notice, ScheduledJob, User
from portal.services.keys.request import request_key
from portal.services.keys.revoke import revoke_key
from portal.services.reminders import prepare_reminders
from tests.conftest import Clock
from tests.factories import MembershipFactory
from tests.mail.server import BACKEND, Server

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def server(settings: Settings) -> Iterator[type[Server]]:
    settings.EMAIL_BACKEND = BACKEND
    Server.reset()
    yield Server
    Server.reset()


def expiring_key(owner: Membership, name: str = "production") -> IssuedKey:
    operation = request_key(
        SYSTEM, owner.customer_id, user=owner.user, name=name, expires_in=timedelta(days=20)
    )
    run_inline(operation)
    key = IssuedKey.objects.get(operations=operation)
    IssuedKey.objects.filter(pk=key.pk).update(sealed_secret="")
    Notice.objects.filter(kind="key_issued").delete()
    return key


@pytest.fixture
def key(owner: Membership, clock: Clock) -> IssuedKey:
    """About which there is one notice to send: it expires in 7 days."""
    key = expiring_key(owner)
    clock.advance(days=13)
    prepare_reminders()
    return key


def unsent() -> int:
    return Notice.objects.filter(sent_at=None).count()


def test_a_reminder_says_what_expires_when_and_where_to_rotate_it(
    key: IssuedKey, owner: Membership, settings: Settings
) -> None:
    settings.PORTAL_NAME, settings.PORTAL_BASE_URL = "Acme APIs", "https://portal.example.com"
    send_notices()
    (mail,) = Server.taken
    assert mail.subject == "[Acme APIs] The key “production” expires in 7 days"
    assert mail.to == [owner.user.email]
    assert owner.customer.name in mail.body
    assert key.expires_at is not None
    assert f"{key.expires_at:%H:%M} UTC" in mail.body
    assert f"\nhttps://portal.example.com/keys/{key.public_id}\n" in mail.body
    assert "Acme APIs" in mail.body
    assert unsent() == 0


def test_an_unfetched_secret_is_told_of_and_never_shown(owner: Membership, clock: Clock) -> None:
    operation = request_key(SYSTEM, owner.customer_id, user=owner.user, name="new")
    run_inline(operation)
    Notice.objects.all().delete()  # that it was issued
    secret = unseal(IssuedKey.objects.get().sealed_secret).reveal().strip('"')
    clock.advance(days=5)
    prepare_reminders()
    send_notices()
    (mail,) = Server.taken
    assert "Nobody has fetched" in mail.subject
    assert "revoked" in mail.body
    assert secret not in str(mail.message())
    assert secret[-20:] not in str(mail.message())


def test_it_is_sent_once(key: IssuedKey) -> None:
    send_notices()
    send_notices()
    assert len(Server.taken) == 1


def test_with_nothing_to_say_no_server_is_troubled() -> None:
    send_notices()
    assert Server.connections == 0


def test_one_connection_serves_all(owner: Membership, clock: Clock) -> None:
    for member in (owner, MembershipFactory(), MembershipFactory()):
        expiring_key(member)
    clock.advance(days=13)
    prepare_reminders()
    send_notices()
    assert (len(Server.taken), Server.connections) == (3, 1)


def test_a_slow_server_leaves_time_for_the_other_jobs_and_loses_nothing(
    owner: Membership, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for member in (owner, MembershipFactory(), MembershipFactory()):
        expiring_key(member)
    clock.advance(days=13)
    prepare_reminders()
    take = Server.send_messages

    def slowly(server: Server, messages: Sequence[EmailMessage]) -> int:
        clock.advance(seconds=31)
        return take(server, messages)

    monkeypatch.setattr(Server, "send_messages", slowly)
    send_notices()
    assert (len(Server.taken), unsent()) == (2, 1)
    send_notices()
    assert (len(Server.taken), unsent()) == (3, 0)


@pytest.mark.parametrize(("kind", "days"), [("expires", 13), ("unrevealed", 5)])
def test_keys_of_one_person_are_reminded_of_in_one_mail_that_names_them(
    owner: Membership, clock: Clock, kind: str, days: int
) -> None:
    for number in range(12):
        expiring_key(owner, f"“a” & <b>{number}</b>")
    if kind == "unrevealed":
        IssuedKey.objects.update(sealed_secret="sealed")
    clock.advance(days=days)
    prepare_reminders()
    send_notices()
    (mail,) = Server.taken
    assert "12 keys" in mail.subject
    assert mail.body.count("“a” & <b>") == 10
    assert "and 2 more" in mail.body
    assert "<b>" not in html_of(mail)
    assert "/keys\n" in mail.body
    assert unsent() == 0


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(), SMTPConnectError(421, b"too busy"), TimeoutError()]
)
def test_a_server_that_is_away_only_delays(
    key: IssuedKey, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    Server.away.append(error)
    send_notices()
    assert unsent() == 1
    assert "mail.failed" in caplog.text
    assert type(error).__name__ in caplog.text
    assert "too busy" not in caplog.text
    Server.away.clear()
    send_notices()
    assert (len(Server.taken), unsent()) == (1, 0)


def test_a_connection_that_breaks_ends_the_run(key: IssuedKey, owner: Membership) -> None:
    Server.refusing[owner.user.email] = SMTPServerDisconnected("gone")
    send_notices()
    assert unsent() == 1


def test_a_mailbox_that_is_full_holds_up_nobody_else(owner: Membership, clock: Clock) -> None:
    other = MembershipFactory()
    expiring_key(owner)
    expiring_key(other)
    clock.advance(days=13)
    prepare_reminders()
    full = {owner.user.email: (452, b"mailbox full")}
    Server.refusing[owner.user.email] = SMTPRecipientsRefused(full)
    send_notices()
    assert [mail.to for mail in Server.taken] == [[other.user.email]]
    assert unsent() == 1


def test_a_mailbox_that_does_not_exist_is_given_up(
    key: IssuedKey, owner: Membership, caplog: pytest.LogCaptureFixture
) -> None:
    Server.refusing[owner.user.email] = SMTPRecipientsRefused({owner.user.email: (550, b"unknown")})
    send_notices()
    assert unsent() == 0
    assert "mail.refused" in caplog.text
    assert owner.user.email not in caplog.text


def test_a_crash_before_it_was_marked_repeats_the_mail(key: IssuedKey) -> None:
    def crash(name: str) -> None:
        if name == "mail.handed_over":
            raise SystemExit

    on_failpoint(crash)
    try:
        with pytest.raises(SystemExit):
            send_notices()
    finally:
        on_failpoint(None)
    assert unsent() == 1
    send_notices()
    assert (len(Server.taken), unsent()) == (2, 0)


def test_a_name_with_a_line_end_makes_no_header(owner: Membership, clock: Clock) -> None:
    expiring_key(owner, "two\r\nBcc: everybody@example.com")
    clock.advance(days=13)
    prepare_reminders()
    send_notices()
    (mail,) = Server.taken
    assert "Bcc" not in mail.message()
    assert "\n" not in mail.subject


def test_a_mail_is_marked_as_made_by_a_machine(key: IssuedKey) -> None:
    send_notices()
    assert Server.taken[0].message()["Auto-Submitted"] == "auto-generated"


def test_everybody_gets_a_mail_of_their_own(key: IssuedKey, owner: Membership) -> None:
    other = MembershipFactory(customer=owner.customer, role="owner")
    send_notices()
    assert sorted(mail.to for mail in Server.taken) == sorted([[owner.user.email], [other.user.email]])
    for mail in Server.taken:
        (named,) = {address for address in (owner.user.email, other.user.email) if address in flat(mail)}
        assert mail.to == [named]
    assert unsent() == 0


def test_one_full_mailbox_repeats_nobody_elses_mail(key: IssuedKey, owner: Membership) -> None:
    other = MembershipFactory(customer=owner.customer, role="owner")
    Server.refusing[owner.user.email] = SMTPRecipientsRefused({owner.user.email: (452, b"full")})
    send_notices()
    send_notices()
    assert [mail.to for mail in Server.taken] == [[other.user.email]]
    Server.refusing.clear()
    send_notices()
    assert (Server.taken[-1].to, len(Server.taken), unsent()) == ([owner.user.email], 2, 0)


def test_a_mail_says_the_same_in_text_and_html(key: IssuedKey, settings: Settings) -> None:
    settings.PORTAL_BASE_URL = "https://portal.example.com"
    send_notices()
    (mail,) = Server.taken
    html = html_of(mail)
    assert mail.message().get_content_type() == "multipart/alternative"
    assert "From then on it is refused." in mail.body
    assert "From then on it is refused." in html
    assert html.count(f'href="https://portal.example.com/keys/{key.public_id}"') == 2  # button and address


def test_each_reads_it_in_their_own_language_and_time_zone(key: IssuedKey, owner: Membership) -> None:
    other = MembershipFactory(customer=owner.customer, role="owner")
    User.objects.filter(pk=other.user_id).update(time_zone="Asia/Kolkata")
    IssuedKey.objects.update(expires_at=datetime(2030, 1, 2, 23, 30, tzinfo=UTC))
    Notice.objects.update(kind="key_issued")
    send_notices()
    said = {mail.to[0]: mail.body for mail in Server.taken}
    assert "2 Jan 2030, 23:30 UTC" in said[owner.user.email]
    assert "3 Jan 2030, 05:00 IST" in said[other.user.email]


def test_reminders_lead_to_where_one_ends_them_and_security_mails_do_not(key: IssuedKey) -> None:
    send_notices()
    revoke_key(SYSTEM, key.pk)
    send_notices()
    reminder, revocation = Server.taken
    assert "/settings/notifications" in reminder.body
    assert "/settings/notifications" not in revocation.body


def test_something_new_is_sent_within_seconds_and_what_was_not_taken_waits(
    key: IssuedKey, clock: Clock
) -> None:
    Notice.objects.update(created_at=clock())
    assert is_mail_due()
    clock.advance(seconds=31)
    ScheduledJob.objects.create(name="mail", finished_at=clock())
    assert not is_mail_due()
    clock.advance(seconds=31)
    assert is_mail_due()
    Notice.objects.update(sent_at=clock())
    assert not is_mail_due()


def html_of(mail: EmailMessage) -> str:
    (alternative,) = mail.alternatives  # type: ignore[attr-defined]  # of EmailMultiAlternatives
    return str(alternative[0])


def flat(mail: EmailMessage) -> str:
    return str(mail.message()) + mail.body + html_of(mail)
