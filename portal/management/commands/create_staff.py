"""``create_staff``."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from portal.core.errors import Invalid
from portal.management.command import PortalCommand
from portal.services.bootstrap import create_staff
from provisioning.secret import Secret


class Command(PortalCommand):
    help = "Create a staff account; the password from LATCHKEY_STAFF_PASSWORD, or made and printed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)

    def run(self, **options: Any) -> None:
        email = options["email"]
        try:
            validate_email(email)
        except ValidationError as exc:
            raise Invalid.field("--email", "is no e-mail address") from exc
        given = os.environ.get("LATCHKEY_STAFF_PASSWORD")
        password = create_staff(email, Secret(given) if given else None)
        self.stdout.write(f"Staff account: {email}")
        if not given:
            self.stdout.write(f"Password (shown once): {password.reveal()}")
