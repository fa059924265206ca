"""Creating a staff account from a shell, as several commands do it."""

import os

from django.core.management.base import OutputWrapper

from portal.services.users import create_staff
from provisioning.config import environ_get_config
from provisioning.secret import Secret


def create_staff_account(email: str, out: OutputWrapper) -> None:
    """Create it with ``LATCHKEY_STAFF_PASSWORD``, or print the password that was made."""
    given = given_password()
    password = create_staff(email, given)
    out.write(f"Staff account: {email}")
    if given is None:
        out.write(f"Password (shown once): {password.reveal()}")


def given_password() -> Secret | None:
    """``LATCHKEY_STAFF_PASSWORD``, when it is set."""
    get_config = environ_get_config(os.environ)
    given = get_config("LATCHKEY_STAFF_PASSWORD")
    return Secret(given) if given else None


def first_staff_email() -> str:
    return os.environ.get("LATCHKEY_STAFF_EMAIL") or "staff@localhost.localdomain"
