"""Sign-in's mails, which allauth sends: in our frame, language and style, whoever asked for them."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import allauth
import pytest
from allauth.account.adapter import get_adapter
from allauth.core import context as allauth_context
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.mail import EmailMultiAlternatives
from django.test import RequestFactory
from django.utils import timezone

from portal.models import Membership, User

pytestmark = pytest.mark.django_db
BY_CODE = {"login_code", "password_reset_code"}
"""Mails of ways to sign in that aren't switched on here."""
THEIRS = Path(allauth.__file__).parent / "templates"
OURS = settings.BASE_DIR / "templates"
BROWSER = "Mozilla https://evil.example\r\n\r\nSign in:\nhttps://evil.example"


def prefixes(folder: Path) -> list[str]:
    found = folder.glob("*/email/*_message.txt")
    paths = {str(path.relative_to(folder)).removesuffix("_message.txt") for path in found}
    return sorted(path for path in paths if path.split("/")[-1] not in BY_CODE | {"base"})


def written(prefix: str, address: str, rf: RequestFactory, **headers: str) -> EmailMultiAlternatives:
    request = rf.get("/", headers=headers)
    request.session = SessionStore()
    values: dict[str, Any] = {
        "request": request,
        "email": address,
        "activate_url": f"{settings.PORTAL_BASE_URL}/accounts/confirm-email/MQ:key:s.ig/",
        "password_reset_url": f"{settings.PORTAL_BASE_URL}/accounts/password/reset/key/1-abc/",
        "timestamp": timezone.now(),
        "ip": "192.0.2.7",
        "user_agent": BROWSER,
        "from_email": "old@example.com",
        "to_email": "new@example.com",
        "deleted_email": "old@example.com",
        "provider": SimpleNamespace(name="Okta"),
    }
    with allauth_context.request_context(request):
        return get_adapter(request).render_mail(prefix, address, values)  # type: ignore[no-any-return]


def test_all_of_allauths_mails_are_in_our_words() -> None:
    assert prefixes(OURS) == prefixes(THEIRS)
    assert len(prefixes(OURS)) > 15


@pytest.mark.parametrize("prefix", prefixes(OURS))
def test_every_mail_is_a_text_and_a_page_in_our_frame(
    prefix: str, owner: Membership, rf: RequestFactory
) -> None:
    mail = written(prefix, owner.user.email, rf)
    text, ((html, kind),) = str(mail.body), mail.alternatives
    assert kind == "text/html"
    assert re.fullmatch(r"\[Acme APIs\] [A-Z].{8,60}", str(mail.subject))
    assert text.startswith("Hello,\n\n")
    assert text.endswith("\n-- \nAcme APIs\nhttps://portal.acme.example\nhelp@acme.example\n")
    assert "\n\n\n" not in text
    assert str(mail.subject).removeprefix("[Acme APIs] ") in str(html).replace("&#x27;", "'")
    assert re.findall(r"<(script|link|iframe|form|img)|@import|url\(", str(html)) == []
    addresses = re.findall(r'href="([^"]*)"', str(html))
    assert [
        at for at in addresses if not re.match(r"https://portal\.acme\.example(/|$)|mailto:help@", at)
    ] == []
    assert mail.message()["Auto-Submitted"] == "auto-generated"
    assert mail.to == [owner.user.email]


@pytest.mark.parametrize("prefix", prefixes(OURS))
def test_what_a_browser_calls_itself_is_no_link(prefix: str, owner: Membership, rf: RequestFactory) -> None:
    mail = written(prefix, owner.user.email, rf)
    whole = str(mail.body) + str(mail.alternatives[0][0])
    assert "evil.example" not in whole
    assert not re.search(r"^Sign in:\nhttps://evil", str(mail.body), re.MULTILINE)


def test_a_mail_is_written_in_its_readers_time_zone(owner: Membership, rf: RequestFactory) -> None:
    User.objects.filter(pk=owner.user_id).update(time_zone="Asia/Kolkata")
    assert " IST\n" in written("account/email/password_changed", owner.user.email, rf).body


def test_a_link_is_a_button_and_can_be_copied(owner: Membership, rf: RequestFactory) -> None:
    mail = written("account/email/password_reset_key", owner.user.email, rf)
    link = "https://portal.acme.example/accounts/password/reset/key/1-abc/"
    assert f"\nChoose a password:\n{link}\n" in mail.body
    assert str(mail.alternatives[0][0]).count(f'href="{link}"') == 2
