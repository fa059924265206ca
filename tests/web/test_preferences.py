"""Language and time zone: the person's own before the browser's, and neither for machines and staff's pages."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.template import engines
from django.test import Client
from django.utils import timezone, translation

from portal.models import IssuedKey, Membership, User
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db
AT = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


def language_of(client: Client, path: str = "/accounts/login/", **headers: str) -> str:
    return str(client.get(path, headers=headers).headers["Content-Language"])


@pytest.mark.parametrize(
    ("asked", "given"), [("de-AT,de;q=0.9", "de"), ("fr,en;q=0.5", "en"), ("", "en"), ("x" * 3000, "en")]
)
def test_strangers_read_what_their_browser_asks_for(asked: str, given: str) -> None:
    answer = Client().get("/accounts/login/", headers={"accept-language": asked})
    assert answer.headers["Content-Language"] == given
    assert f'<html lang="{given}">' in answer.content.decode()
    assert "Accept-Language" in answer.headers["Vary"]


def test_a_language_chosen_on_the_page_stays() -> None:
    client = Client()
    client.post("/language", {"language": "de", "next": "/docs"})
    assert language_of(client) == "de"


def test_choosing_a_language_leads_to_no_other_site() -> None:
    answer = Client().post("/language", {"language": "de", "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/"


def test_a_persons_own_language_counts_more(owner: Membership) -> None:
    User.objects.filter(pk=owner.user_id).update(language="de")
    assert language_of(sign_in(owner.user), "/dashboard", accept_language="en") == "de"


def test_an_unknown_language_is_not_believed(owner: Membership) -> None:
    User.objects.filter(pk=owner.user_id).update(language="tlh")
    assert language_of(sign_in(owner.user), "/dashboard") == "en"


@pytest.mark.parametrize("path", ["/api/v1/keys", "/api/v1/docs", "/branding.css"])
def test_machines_and_style_sheets_have_no_reader(path: str) -> None:
    answer = Client().get(path, headers={"accept-language": "de"})
    assert "Content-Language" not in answer.headers
    assert "Anmelden" not in answer.content.decode()


def test_a_style_sheet_is_the_same_for_everybody(owner: Membership) -> None:
    answer = sign_in(owner.user).get("/branding.css")
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_staffs_pages_are_in_one_language(staff: User) -> None:
    User.objects.filter(pk=staff.pk).update(language="de", time_zone="Asia/Tokyo")
    page = sign_in(staff).get("/admin/", headers={"accept-language": "de"}).content.decode()
    assert 'lang="en' in page
    assert "Abmelden" not in page


@pytest.mark.parametrize(
    ("cookie", "own", "shown"),
    [
        ("", "", "UTC"), ("America/New_York", "", "EDT"), ("America/New_York", "Europe/Berlin", "CEST"),
        ("../../etc/passwd", "", "UTC"), ("Nowhere/Land", "", "UTC"), ("", "Nowhere/Land", "UTC"),
    ],
)  # fmt: skip
def test_the_zone_is_the_persons_or_the_browsers(
    owner: Membership, make_key: Callable[..., IssuedKey], cookie: str, own: str, shown: str
) -> None:
    key = make_key()
    IssuedKey.objects.filter(pk=key.pk).update(created_at=AT)
    User.objects.filter(pk=owner.user_id).update(time_zone=own)
    client = sign_in(owner.user)
    client.cookies["timezone"] = cookie
    page = client.get(f"/keys/{key.public_id}").content.decode()
    hours = {"UTC": "1 Jul 2026, 22:30 UTC", "EDT": "1 Jul 2026, 18:30 EDT", "CEST": "2 Jul 2026, 00:30 CEST"}
    assert hours[shown] in page


def test_instants_are_written_in_the_readers_zone_and_name_it() -> None:
    template = engines["django"].from_string("{% instant at %}")
    with timezone.override("Europe/Berlin"):
        assert template.render({"at": AT}) == (
            '<time datetime="2026-07-01T22:30:00+00:00">2 Jul 2026, 00:30 CEST</time>'
        )
    with timezone.override("UTC"), translation.override("de"):
        assert "1. Juli 2026, 22:30 UTC" in template.render({"at": AT})
