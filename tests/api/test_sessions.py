"""The API from a browser session: CSRF, and who sees a secret."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from portal.models import IssuedKey, Membership, User
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


class Session:
    """A browser that signed in just now."""

    def __init__(self, user: User) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.client.get("/accounts/login/")
        answer = self.client.post(
            "/accounts/login/",
            {"login": user.email, "password": PASSWORD, "csrfmiddlewaretoken": self.csrf},
        )
        assert answer.status_code == 302, answer.content

    @property
    def csrf(self) -> str:
        return self.client.cookies["csrftoken"].value

    def post(self, path: str, body: Any, *, csrf: bool = True) -> Any:
        headers = {"X-CSRFToken": self.csrf} if csrf else {}
        return self.client.post(f"/api/v1{path}", json.dumps(body), "application/json", headers=headers)


def key_for(member: Membership) -> dict[str, str]:
    return {"customer": member.customer.public_id, "user": member.user.email, "name": "session"}


def test_a_customer_creates_a_key_and_sees_it(owner: Membership) -> None:
    answer = Session(owner.user).post("/keys", key_for(owner))
    assert answer.status_code == 201
    assert answer.json()["secret"].count(".") == 2


def test_without_the_csrf_token_nothing_happens(owner: Membership) -> None:
    answer = Session(owner.user).post("/keys", key_for(owner), csrf=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert not IssuedKey.objects.exists()


def test_staff_issue_keys_that_they_never_see(owner: Membership) -> None:
    session = Session(UserFactory(is_staff=True, is_superuser=True))
    answer = session.post("/keys", key_for(owner))
    assert (answer.status_code, answer.json()["secret_available"]) == (201, True)
    assert "secret" not in answer.json()
    refused = session.post(f"/keys/{answer.json()['id']}/reveal", {})
    assert (refused.status_code, refused.json()["code"]) == (403, "reveal_not_allowed")


def test_staff_that_made_themselves_members_see_no_others_keys_either(owner: Membership) -> None:
    staff = UserFactory(is_staff=True, is_superuser=True)
    MembershipFactory(user=staff, customer=owner.customer, role="owner")
    session = Session(staff)
    issued = session.post("/keys", key_for(owner)).json()
    assert session.post(f"/keys/{issued['id']}/reveal", {}).status_code == 403
    own = session.post("/keys", {**key_for(owner), "user": staff.email})
    assert own.json()["secret"]


def test_staff_see_secrets_of_their_own_keys_with_the_permission_alone(owner: Membership) -> None:
    staff = UserFactory(is_staff=True)
    MembershipFactory(user=staff, customer=owner.customer, role="developer")
    own = {**key_for(owner), "user": staff.email}
    assert "secret" not in Session(staff).post("/keys", own).json()
    staff.user_permissions.add(Permission.objects.get(codename="reveal_issuedkey"))
    assert Session(staff).post("/keys", own).json()["secret"]


def test_an_admin_of_the_customer_may_reveal_and_a_developer_may_not(owner: Membership) -> None:
    staff = Session(UserFactory(is_staff=True, is_superuser=True))
    issued = staff.post("/keys", key_for(owner)).json()["id"]
    developer = MembershipFactory(customer=owner.customer, role="developer")
    admin = MembershipFactory(customer=owner.customer, role="admin")
    assert Session(developer.user).post(f"/keys/{issued}/reveal", {}).status_code == 403
    assert Session(admin.user).post(f"/keys/{issued}/reveal", {}).status_code == 200
    assert Session(owner.user).post(f"/keys/{issued}/reveal", {}).status_code == 410


def test_an_old_sign_in_shows_no_secret(owner: Membership) -> None:
    session = Session(owner.user)
    stored = session.client.session
    for record in stored["account_authentication_methods"]:
        record["at"] -= 3600
    stored.save()
    answer = session.post("/keys", key_for(owner))
    assert "secret" not in answer.json()
    refused = session.post(f"/keys/{answer.json()['id']}/reveal", {})
    assert (refused.status_code, refused.json()["code"]) == (403, "recent_sign_in_required")


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("developer", 201), ("admin", 201)])
def test_roles(owner: Membership, role: str, status: int) -> None:
    member = MembershipFactory(customer=owner.customer, role=role)
    assert Session(member.user).post("/keys", key_for(member)).status_code == status


def test_a_viewer_elsewhere_changes_nothing_there(owner: Membership) -> None:
    """A developer of one customer who is viewer at another can't write at the other."""
    member = MembershipFactory(role="developer")
    MembershipFactory(user=member.user, customer=owner.customer, role="viewer")
    session = Session(member.user)
    assert session.post("/keys", {**key_for(member)}).status_code == 201
    assert session.post("/keys", {**key_for(owner), "user": member.user.email}).status_code == 404


def test_a_user_of_no_customer_may_do_nothing() -> None:
    session = Session(UserFactory())
    assert session.client.get("/api/v1/keys").status_code == 403
    assert session.post("/customers", {"name": "mine"}).status_code == 403
