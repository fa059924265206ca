"""Creating a staff account from a shell, as two commands do it."""

import os

from django.core.management.base import OutputWrapper

from portal.services.users import create_staff
from provisioning.config import environ_get_config
from provisioning.secret import Secret


def create_staff_account(email: str, out: OutputWrapper) -> None:
    """Create it with ``LATCHKEY_STAFF_PASSWORD``, or print the password that was made."""
    get_config = environ_get_config(os.environ)
    given = get_config("LATCHKEY_STAFF_PASSWORD")
    password = create_staff(email, Secret(given) if given else None)
    out.write(f"Staff account: {email}")
    if not given:
        out.write(f"Password (shown once): {password.reveal()}")
