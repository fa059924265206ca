"""Profile, notifications and the places of the settings."""

from typing import Any

import pytest
from django.test import Client

from portal.models import AuditEvent, Membership
from tests.factories import MembershipFactory, UserFactory
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db
PAGES = ("/settings", "/settings/notifications", "/settings/data")
PROFILE = {"name": "Ada", "language": "de", "time_zone": "Europe/Berlin"}


def test_the_profile_is_saved_and_audited_by_the_names_of_its_fields(
    browser: Client, owner: Membership
) -> None:
    answer = browser.post("/settings", PROFILE)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/settings")
    owner.user.refresh_from_db()
    assert (owner.user.name, owner.user.language, owner.user.time_zone) == ("Ada", "de", "Europe/Berlin")
    event = AuditEvent.objects.get(action="user.changed")
    assert (event.object, event.detail) == (
        owner.user.public_id,
        {"fields": ["name", "language", "time_zone"]},
    )
    page = browser.get("/settings")
    assert page.headers["Content-Language"] == "de"
    assert '<option value="Europe/Berlin" selected>' in page.content.decode()


def test_saving_the_same_again_changes_and_records_nothing(browser: Client) -> None:
    for _ in range(2):
        browser.post("/settings", PROFILE)
    assert AuditEvent.objects.filter(action="user.changed").count() == 1


def test_the_browser_decides_again_when_asked_to(browser: Client, owner: Membership) -> None:
    browser.post("/settings", PROFILE)
    browser.post("/settings", {"name": "", "language": "automatic", "time_zone": "automatic"})
    owner.user.refresh_from_db()
    assert (owner.user.language, owner.user.time_zone) == ("", "")


@pytest.mark.parametrize(
    "wrong",
    [{"time_zone": "Mars/Olympus"}, {"time_zone": "../etc"}, {"language": "tlh"}, {"name": "x" * 201}],
)
def test_what_is_not_offered_is_refused(browser: Client, owner: Membership, wrong: dict[str, str]) -> None:
    assert browser.post("/settings", {**PROFILE, **wrong}).status_code == 422
    owner.user.refresh_from_db()
    assert owner.user.time_zone == ""


def test_an_older_name_of_a_zone_stays_chosen(browser: Client, owner: Membership) -> None:
    owner.user.time_zone = "Japan"
    owner.user.save(update_fields=["time_zone"])
    assert '<option value="Japan" selected>' in browser.get("/settings").content.decode()
    assert (
        browser.post("/settings", {"name": "Ada", "language": "automatic", "time_zone": "Japan"}).status_code
        == 302
    )


def test_mails_are_switched_off_and_on(browser: Client, owner: Membership) -> None:
    browser.post("/settings/notifications", {"wants_reminders": "on"})
    owner.user.refresh_from_db()
    assert (owner.user.wants_key_mail, owner.user.wants_reminders) == (False, True)
    assert AuditEvent.objects.get(action="user.changed").detail == {"fields": ["wants_key_mail"]}
    browser.post("/settings/notifications", {"wants_key_mail": "on", "wants_reminders": "on"})
    owner.user.refresh_from_db()
    assert owner.user.wants_key_mail


def test_nobody_changes_more_than_what_the_form_has(browser: Client, owner: Membership) -> None:
    more = {"is_staff": "on", "is_superuser": "on", "email": "other@example.com", "user": "1"}
    browser.post("/settings", {**PROFILE, **more})
    browser.post("/settings/notifications", more)
    email = owner.user.email
    owner.user.refresh_from_db()
    assert (owner.user.is_staff, owner.user.is_superuser, owner.user.email) == (False, False, email)


@pytest.mark.parametrize(
    "path", [*PAGES, "/settings/tokens", "/settings/tokens/new", "/settings/data/delete"]
)
def test_anonymous_people_are_asked_to_sign_in(path: str) -> None:
    assert Client().get(path).headers["Location"] == f"/accounts/login/?next={path}"
    assert Client().post(path).status_code in (302, 405)


@pytest.mark.parametrize("path", PAGES)
def test_people_without_a_customer_have_settings_too(path: str) -> None:
    page = sign_in(UserFactory()).get(path)
    assert page.status_code == 200
    assert 'aria-label="Settings"' in page.content.decode()
    assert "/settings/tokens" not in page.content.decode()


@pytest.mark.parametrize(("role", "sees"), [("viewer", False), ("developer", False), ("admin", True)])
def test_the_places_name_access_tokens_to_those_who_may_see_them(role: str, sees: bool) -> None:
    page = sign_in(MembershipFactory(role=role).user).get("/settings").content.decode()
    assert ("/settings/tokens" in page) == sees


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_light(browser: Client, path: str, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(12):
        page = browser.get(path)
    assert len(page.content) < 60_000
    assert "no-store" in page.headers["Cache-Control"]
