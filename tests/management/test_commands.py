from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.models import AuditEvent, IssuedKey, ManagementToken, Membership, Operation, User
from tests.conftest import Api
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def run(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_create_staff_prints_the_password_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LATCHKEY_STAFF_PASSWORD", raising=False)
    shown = run("create_staff", "--email", "New@Staff.example")
    user = User.objects.get(email="new@staff.example")
    assert user.check_password(shown.rsplit(": ", 1)[1].strip())
    assert (user.is_staff, user.is_superuser) == (True, True)
    with pytest.raises(CommandError, match="already"):
        run("create_staff", "--email", "new@staff.example")


def test_create_staff_takes_a_given_password_and_prints_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATCHKEY_STAFF_PASSWORD", "given-password-123")
    assert "given" not in run("create_staff", "--email", "new@staff.example")
    assert User.objects.get().check_password("given-password-123")


def test_create_access_token_prints_the_token_alone() -> None:
    UserFactory(email="staff@example.com", is_staff=True, is_superuser=True)
    text = run("create_access_token", "--email", "staff@example.com", "--scopes", "keys:read customers:read",
               "--expires-in", "1h")  # fmt: skip
    assert text.startswith("lk_")
    assert text.count("\n") == 1
    assert Api(text.strip()).get("/keys").status_code == 200
    token = ManagementToken.objects.get()
    assert token.expires_at is not None
    assert text.strip() not in str(ManagementToken.objects.values().get())


def test_a_bound_access_token_reaches_its_customer_alone(owner: Membership) -> None:
    text = run("create_access_token", "--email", owner.user.email, "--scopes", "customers:read",
               "--customer", owner.customer.external_id)  # fmt: skip
    found = Api(text.strip()).get("/customers").json()["results"]
    assert [customer["id"] for customer in found] == [owner.customer.public_id]


@pytest.mark.parametrize(
    ("email", "scopes", "more"),
    [
        ("nobody@example.com", "keys:read", []), ("staff@example.com", "nonsense", []),
        ("staff@example.com", "", []), ("staff@example.com", "keys:read", ["--expires-in", "soon"]),
        ("staff@example.com", "keys:read", ["--customer", "nobody"]), ("plain@example.com", "keys:read", []),
    ],
)  # fmt: skip
def test_create_access_token_refuses(email: str, scopes: str, more: list[str]) -> None:
    UserFactory(email="staff@example.com", is_staff=True, is_superuser=True)
    UserFactory(email="plain@example.com")
    with pytest.raises(CommandError):
        run("create_access_token", "--email", email, "--scopes", scopes, *more)
    assert not ManagementToken.objects.exists()


def test_provision_and_issue_from_a_shell(owner: Membership) -> None:
    shown = run("provision", owner.customer.external_id, "--key", "shell")
    key = IssuedKey.objects.get()
    assert shown == f"provisioned {owner.customer.public_id}\nissued {key.public_id}\n"
    assert (key.status, key.name, key.user) == ("active", "shell", owner.user)
    assert set(Operation.objects.values_list("kind", "state")) == {
        ("provision", "succeeded"), ("issue_key", "succeeded"),
    }  # fmt: skip
    assert AuditEvent.objects.filter(action="key.activated", object=key.public_id).exists()


def test_provision_refuses_what_it_does_not_know(owner: Membership) -> None:
    for command in (["nobody"], [owner.customer.public_id, "--user", "x@example.com"],
                    [owner.customer.public_id, "--plugin", "nope"]):  # fmt: skip
        with pytest.raises(CommandError):
            run("provision", *command)
    assert not Operation.objects.exists()
