"""Every kind of notice becomes a mail that says enough, and never too much."""

import re
from email.message import Message

import pytest
from django.core.mail import EmailMessage

from portal.core.actor import SYSTEM
from portal.core.sealing import unseal
from portal.jobs.scheduled.mail import send_notices
from portal.models import Customer, IssuedKey, Membership, Notice, SigningKey, User
from portal.services.access_tokens import create_access_token
from portal.services.telling import tell_customer
from tests.mail.conftest import tell
from tests.mail.server import Server

pytestmark = pytest.mark.django_db
KINDS = [*Notice.Kind.values]
HOSTILE = "https://evil.example/<b>click</b>\r\nBcc: all@evil.example\n\nSign in:\nhttps://evil.example"


def sent() -> EmailMessage:
    send_notices()
    (mail,) = Server.taken
    return mail


def parts(mail: EmailMessage) -> tuple[str, str]:
    message: Message = mail.message()  # type: ignore[assignment]  # as the server gets it
    text, html = message.get_payload()  # type: ignore[misc]
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")  # type: ignore[union-attr]
    return tuple(part.get_payload(decode=True).decode() for part in (text, html))  # type: ignore[union-attr, return-value]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_short_subject_a_text_and_a_page(
    kind: str, owner: Membership, key: IssuedKey
) -> None:
    tell(kind, owner, key)
    mail = sent()
    text, html = parts(mail)
    assert re.fullmatch(r"\[Acme APIs\] \S.{8,70}", mail.subject)
    assert text.startswith("Hello,\n\n")
    assert "\n-- \nAcme APIs\nhttps://portal.acme.example\nhelp@acme.example\n" in text
    assert "\n\n\n" not in text
    assert mail.subject.removeprefix("[Acme APIs] ").split(" “")[0] in html.partition("<h1")[2]
    for line in text.partition("\n-- \n")[0].splitlines():
        if not line.startswith("http"):
            assert line.rstrip(":").split(": ")[0] in re.sub(r"</?a\b[^>]*>", "", html).replace("&#x27;", "'")
    assert mail.message()["Auto-Submitted"] == "auto-generated"
    assert "None" not in text + html


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_loads_nothing_and_leads_only_to_us(kind: str, owner: Membership, key: IssuedKey) -> None:
    tell(kind, owner, key)
    _text, html = parts(sent())
    assert re.findall(r"<(script|link|iframe|form|img)|@import|url\(", html) == []
    addresses = re.findall(r'href="([^"]*)"', html)
    assert addresses
    assert [
        at for at in addresses if not re.match(r"https://portal\.acme\.example(/|$)|mailto:help@", at)
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_mail_holds_a_secret(kind: str, owner: Membership, key: IssuedKey) -> None:
    token, shown = create_access_token(SYSTEM, owner=owner.user, scopes=["keys:read"])
    secret = unseal(key.sealed_secret).reveal()
    secrets = [
        secret, secret.strip('"')[-20:], secret.split(".")[0].strip('"'), key.sealed_secret, key.fingerprint,
        shown.reveal(), token.digest, owner.user.password,
        *SigningKey.objects.values_list("sealed_private", flat=True),
    ]  # fmt: skip
    tell(kind, owner, key)
    mail = sent()
    whole = "\n".join([*parts(mail), str(mail.message()), mail.subject])
    for secret in secrets:
        assert secret
        assert secret not in whole


@pytest.mark.parametrize("kind", KINDS)
def test_names_can_be_neither_links_nor_headers_nor_buttons(
    kind: str, owner: Membership, key: IssuedKey
) -> None:
    Customer.objects.update(name=HOSTILE)
    User.objects.update(name=HOSTILE)
    tell(kind, owner, key)
    IssuedKey.objects.update(name=HOSTILE[:100], revoke_reason=HOSTILE[:200])
    Notice.objects.filter(detail__has_key="reason").update(detail={"reason": HOSTILE, "plan": HOSTILE})
    Notice.objects.filter(detail__has_key="browser").update(
        detail={"browser": HOSTILE, "address": HOSTILE, "at": "2026-11-21T15:04:00+00:00"}
    )
    mail = sent()
    text, html = parts(mail)
    whole = text + html + mail.subject
    assert "https://evil" not in whole
    assert "evil.example" not in whole.replace("all@evil.example", "")
    assert "<b>" not in html
    assert "Bcc" not in mail.message()
    assert "\n" not in mail.subject
    assert not re.search(r"^Bcc|^Sign in:$", text, re.MULTILINE)


def test_an_invitation_leads_to_its_link_and_names_who_sent_it(owner: Membership, key: IssuedKey) -> None:
    tell("invitation", owner, key)
    mail = sent()
    assert mail.to == ["new@example.com"]
    assert (
        f"{owner.user.email} invites you to look after the API keys of “{owner.customer.name}”" in mail.body
    )
    assert "\nAccept the invitation:\nhttps://portal.acme.example/invitations/" in mail.body


def test_many_revoked_keys_are_counted(owner: Membership, key: IssuedKey) -> None:
    tell_customer(owner.customer, Notice.Kind.KEY_REVOKED, count=5000, reason="customer suspended")
    mail = sent()
    assert mail.subject == "[Acme APIs] 5000 keys were revoked"
    assert f"5000 keys of {owner.customer.name} were revoked." in mail.body
    assert "Reason: The customer was suspended." in mail.body


def test_the_logo_and_the_colour_are_the_operators(
    owner: Membership, key: IssuedKey, settings: object
) -> None:
    settings.PORTAL_LOGO_URL = "https://cdn.acme.example/logo.png"  # type: ignore[attr-defined]
    settings.PORTAL_ACCENT_COLOR = "#ffcc00"  # type: ignore[attr-defined]
    tell("welcome", owner, key)
    _text, html = parts(sent())
    assert re.findall(r'<img src="([^"]*)"', html) == ["https://cdn.acme.example/logo.png"]
    assert "background:#ffcc00;color:#000000;" in html
