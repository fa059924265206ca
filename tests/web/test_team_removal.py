"""Removing a member: which keys they know, and rotating those in the same step or later."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from portal.core.actor import Actor
from portal.core.clock import now
from portal.jobs.run import run_inline
from portal.models import IssuedKey, ManagementToken, Membership, User
from portal.services.actors import actor_of_token, actor_of_user
from portal.services.keys.request import request_key
from portal.services.keys.reveal import reveal_key
from portal.services.keys.revoke import revoke_key
from portal.services.keys.rotate import rotate_key
from tests.conftest import Clock, token_for
from tests.factories import MembershipFactory, UserFactory
from tests.web.conftest import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def leaver(owner: Membership) -> Membership:
    return MembershipFactory(customer=owner.customer, role="admin", user=UserFactory(name="Bob Leaver"))


def issue(actor: Actor, customer: int, user: User, name: str, **values: Any) -> IssuedKey:
    operation = request_key(actor, customer, user=user, name=name, **values)
    run_inline(operation)
    return IssuedKey.objects.get(pk=operation.key_id)


@pytest.fixture
def make(owner: Membership, leaver: Membership) -> Callable[..., IssuedKey]:
    """A key made by one person for another: ``make("ci", by=leaver, of=owner)``."""

    def make(name: str, *, by: Membership = leaver, of: Membership | None = None, **values: Any) -> IssuedKey:
        return issue(actor_of_user(by.user), owner.customer_id, (of or by).user, name, **values)

    return make


def page_of(member: Membership) -> str:
    return f"/team/members/{member.user.public_id}"


def listed(browser: Client, member: Membership) -> dict[str, bool]:
    """The names of the keys on the page that asks, and whether each can be rotated."""
    rows = browser.get(f"{page_of(member)}/remove").context["known"].rows
    return {row["key"].name: row["rotatable"] for row in rows}


def remove(browser: Client, member: Membership, keys: list[IssuedKey], overlap: str = "1d") -> Any:
    token = browser.get(f"{page_of(member)}/remove").context["form"].initial["form_token"]
    form = {"form_token": token, "overlap": overlap, "key": [key.public_id for key in keys]}
    return browser.post(f"{page_of(member)}/remove", form, follow=True)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_exactly_the_keys_that_they_created_or_saw_are_listed(
    browser: Client, owner: Membership, leaver: Membership, make: Callable[..., IssuedKey]
) -> None:
    token_for(leaver.user, "keys:write keys:read customers:read", owner.customer)
    their_token = actor_of_token(ManagementToken.objects.get(owner=leaver.user))
    make("created")
    seen = make("seen", by=owner)
    reveal_key(actor_of_user(leaver.user), seen.pk)
    make("of theirs, and never seen", by=owner, of=leaver)
    rotated = make("rotated by another")
    run_inline(rotate_key(actor_of_user(owner.user), rotated.pk, overlap=timedelta(0)))
    issue(their_token, owner.customer_id, owner.user, "by their token")
    seen_by_token = issue(their_token, owner.customer_id, owner.user, "seen by their token")
    reveal_key(their_token, seen_by_token.pk)
    make("not theirs", by=owner)
    token_for(owner.user, customer=owner.customer)
    issue(
        actor_of_token(ManagementToken.objects.get(owner=owner.user)), owner.customer_id, owner.user,
        "by another token",
    )  # fmt: skip
    elsewhere = MembershipFactory(user=leaver.user)
    issue(actor_of_user(leaver.user), elsewhere.customer_id, leaver.user, "at another customer")
    expected = {"created", "seen", "by their token", "seen by their token"}
    assert listed(browser, leaver) == dict.fromkeys(expected, True)
    page = text(browser.get(f"{page_of(leaver)}/remove"))
    assert "Bob Leaver knows 4 keys" in page
    assert page.count('name="key"') == page.count(" checked") == 4
    assert page.count("Saw the secret") == 2
    assert page.count("Saw the secret · Created it") == 1


def test_a_successor_waits_for_the_overlap_that_is_running(
    browser: Client, owner: Membership, leaver: Membership, make: Callable[..., IssuedKey]
) -> None:
    old = make("feed")
    run_inline(rotate_key(actor_of_user(owner.user), old.pk, overlap=timedelta(hours=1)))
    new = IssuedKey.objects.get(rotated_from=old)
    IssuedKey.objects.filter(pk=new.pk).update(revealed_by=leaver.user.identity)
    page = browser.get(f"{page_of(leaver)}/remove")
    assert {row["key"].pk: row["rotatable"] for row in page.context["known"].rows} == {
        old.pk: False,
        new.pk: False,
    }
    assert "the key that it replaces still works: end that one first" in text(page)
    revoke_key(actor_of_user(owner.user), old.pk)
    assert listed(browser, leaver) == {"feed": True}


def test_what_no_longer_works_is_not_listed(
    browser: Client, owner: Membership, leaver: Membership, make: Callable[..., IssuedKey], clock: Clock
) -> None:
    revoke_key(actor_of_user(owner.user), make("revoked").pk)
    make("expired", expires_in=timedelta(hours=1))
    replaced = make("replaced")
    run_inline(rotate_key(actor_of_user(owner.user), replaced.pk, overlap=timedelta(hours=1)))
    lasting = make("being replaced")
    run_inline(rotate_key(actor_of_user(owner.user), lasting.pk, overlap=timedelta(hours=3)))
    clock.advance(hours=1)
    found = browser.get(f"{page_of(leaver)}/remove").context["known"].rows
    assert [(row["key"].name, row["rotatable"]) for row in found] == [("being replaced", False)]
    assert "stops in 2 hours" in text(browser.get(f"{page_of(leaver)}/remove"))


def test_removing_rotates_what_is_ticked_and_leaves_the_rest_working(
    browser: Client, owner: Membership, leaver: Membership, make: Callable[..., IssuedKey], clock: Clock
) -> None:
    first, second, third = (make(name) for name in ("one", "two", "three"))
    answer = remove(browser, leaver, [first, second], "1h")
    page = text(answer)
    assert f"Bob Leaver is no longer a member of {owner.customer.name}." in page
    assert "2 keys rotated." in page
    for old in (first, second):
        old.refresh_from_db()
        new = IssuedKey.objects.get(rotated_from=old)
        assert (new.user, new.created_by, new.status) == (
            owner.user,
            f"user {owner.user.public_id}",
            "active",
        )
        assert (old.is_usable, old.retires_at) == (True, clock() + timedelta(hours=1))
    third.refresh_from_db()
    assert (third.is_usable, third.retires_at) == (True, None)
    assert answer.request["PATH_INFO"] == f"{page_of(leaver)}/keys"
    assert {row["key"].name: row["rotatable"] for row in answer.context["known"].rows} == {
        "one": False, "two": False, "three": True,
    }  # fmt: skip
    assert not Membership.objects.filter(pk=leaver.pk).exists()


def test_stopping_at_once_leaves_them_with_nothing(
    browser: Client, owner: Membership, leaver: Membership, make: Callable[..., IssuedKey]
) -> None:
    key = make("one")
    answer = remove(browser, leaver, [key], "0")
    key.refresh_from_db()
    assert not key.is_usable
    assert answer.request["PATH_INFO"] == "/keys"
    assert browser.get(f"{page_of(leaver)}/keys").status_code == 404


def test_a_colleagues_key_that_they_saw_stays_the_colleagues(
    browser: Client, owner: Membership, leaver: Membership, make: Callable[..., IssuedKey]
) -> None:
    colleague = MembershipFactory(customer=owner.customer, role="developer")
    key = make("shared", of=colleague)
    remove(browser, leaver, [key])
    assert IssuedKey.objects.get(rotated_from=key).user == colleague.user


def test_what_cant_be_rotated_is_told_with_its_reason_and_the_rest_is_done(
    browser: Client, owner: Membership, leaver: Membership, make: Callable[..., IssuedKey]
) -> None:
    good, stale = make("good"), make("stale")
    run_inline(rotate_key(actor_of_user(owner.user), stale.pk))  # since the page was opened
    page = text(remove(browser, leaver, [good, stale]))
    assert "1 key rotated, 1 refused: stale: This key has a successor already." in page
    assert IssuedKey.objects.filter(rotated_from=good).exists()
    assert not Membership.objects.filter(pk=leaver.pk).exists()


def test_another_customers_key_is_not_rotated(
    browser: Client, leaver: Membership, make: Callable[..., IssuedKey]
) -> None:
    foreign = MembershipFactory()
    key = issue(actor_of_user(foreign.user), foreign.customer_id, foreign.user, "foreign")
    remove(browser, leaver, [key])
    assert not IssuedKey.objects.filter(rotated_from=key).exists()


def test_sending_it_twice_removes_and_rotates_once_and_answers_alike(
    browser: Client, leaver: Membership, make: Callable[..., IssuedKey]
) -> None:
    key = make("one")
    token = browser.get(f"{page_of(leaver)}/remove").context["form"].initial["form_token"]
    form = {"form_token": token, "overlap": "1d", "key": [key.public_id]}
    answers = [browser.post(f"{page_of(leaver)}/remove", form, follow=True) for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 200
        assert "1 key rotated." in text(answer)
    assert IssuedKey.objects.count() == 2


def test_a_removal_that_is_refused_rotates_nothing(
    owner: Membership, leaver: Membership, make: Callable[..., IssuedKey]
) -> None:
    key = make("one", by=owner)
    admin = sign_in(leaver.user)
    answer = remove(admin, owner, [key])
    assert answer.status_code == 403
    assert "Only an owner makes or unmakes owners" in text(answer)
    assert not IssuedKey.objects.filter(rotated_from=key).exists()
    assert Membership.objects.filter(pk=owner.pk).exists()


@pytest.mark.parametrize("form", [{"overlap": "91d"}, {"overlap": ""}, {"overlap": "0", "form_token": ""}])
def test_wrong_input_removes_nobody(
    browser: Client, leaver: Membership, make: Callable[..., IssuedKey], form: dict[str, str]
) -> None:
    key = make("one")
    answer = browser.post(f"{page_of(leaver)}/remove", {"form_token": "t", "key": key.public_id, **form})
    assert answer.status_code == 422
    assert Membership.objects.filter(pk=leaver.pk).exists()
    assert IssuedKey.objects.count() == 1


def test_odd_keys_are_passed_over(browser: Client, leaver: Membership) -> None:
    form = {"form_token": "t", "overlap": "0", "key": ["\0", "key_none", "x" * 5000, ""]}
    assert browser.post(f"{page_of(leaver)}/remove", form).status_code == 302
    assert not Membership.objects.filter(pk=leaver.pk).exists()


def test_who_knows_no_key_is_removed_by_one_button(browser: Client, leaver: Membership) -> None:
    page = text(browser.get(f"{page_of(leaver)}/remove"))
    assert "knows no key that still works" in page
    assert "Keep the old keys" not in page
    answer = remove(browser, leaver, [])
    assert answer.request["PATH_INFO"] == "/team"
    assert "Bob Leaver is no longer a member" in text(answer)


def test_access_ends_at_once(browser: Client, owner: Membership, leaver: Membership) -> None:
    token_for(leaver.user, "keys:read", owner.customer)
    theirs = sign_in(leaver.user)
    assert theirs.get("/keys").status_code == 200
    remove(browser, leaver, [])
    assert theirs.get("/keys").templates[0].name == "portal/no_customer.html"
    assert ManagementToken.objects.get(owner=leaver.user).revoked_at is not None


def test_the_removal_is_of_the_customer_whose_page_it_was(
    browser: Client, owner: Membership, leaver: Membership
) -> None:
    other = MembershipFactory(user=owner.user)
    there = MembershipFactory(user=leaver.user, customer=other.customer, role="viewer")
    browser.get("/team", {"customer": other.customer.public_id})
    form = {"form_token": "t", "overlap": "0", "customer": owner.customer.public_id}
    browser.post(f"{page_of(leaver)}/remove", form)
    assert Membership.objects.filter(user=leaver.user).get() == there


def test_oneself_is_sent_to_leaving(browser: Client, owner: Membership) -> None:
    for answer in (browser.get(f"{page_of(owner)}/remove"), browser.post(f"{page_of(owner)}/remove")):
        assert answer.headers["Location"] == "/team/leave"
    assert Membership.objects.filter(pk=owner.pk).exists()


def test_what_was_left_is_rotated_later_by_whoever_remains(
    browser: Client, owner: Membership, leaver: Membership, make: Callable[..., IssuedKey]
) -> None:
    key, other = make("one"), make("two")
    remove(browser, leaver, [])
    path = f"{page_of(leaver)}/keys"
    token = browser.get(path).context["form"].initial["form_token"]
    form = {"form_token": token, "overlap": "0", "key": [key.public_id]}
    assert "1 key rotated." in text(browser.post(path, form, follow=True))
    assert IssuedKey.objects.get(rotated_from=key).user == owner.user
    # On the key's own page, too.
    token = browser.get(f"/keys/{other.public_id}/rotate").context["form"].initial["form_token"]
    browser.post(f"/keys/{other.public_id}/rotate", {"form_token": token, "overlap": "0"})
    assert IssuedKey.objects.get(rotated_from=other).user == owner.user


def test_5000_keys_are_paged_within_the_budget(
    browser: Client,
    leaver: Membership,
    make: Callable[..., IssuedKey],
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    fill(leaver, 5000)
    paths = [f"{page_of(leaver)}/remove", f"{page_of(leaver)}/keys"]
    paths.append(f"{paths[1]}?before={browser.get(paths[1]).context['known'].older}")
    for path in paths:
        with django_assert_max_num_queries(12):
            answer = browser.get(path)
        known = answer.context["known"]
        assert (len(known.rows), known.total) == (50, 5000)
    numbers = [int(row["key"].name) for path in paths[1:] for row in browser.get(path).context["known"].rows]
    assert numbers == list(range(4999, 4899, -1))
    assert browser.get(f"{paths[1]}?before=key_none").status_code == 404
    with django_assert_max_num_queries(12):
        browser.get("/team/leave")


def fill(member: Membership, number: int) -> None:
    IssuedKey.objects.bulk_create(
        IssuedKey(
            customer=member.customer, user=member.user, name=str(n), plugin="jwt", status="active",
            activated_at=now(), fingerprint=f"f{n}", created_by=f"user {member.user.public_id}",
        )
        for n in range(number)
    )  # fmt: skip
