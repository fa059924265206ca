"""``create_staff``."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from portal.core.errors import Invalid
from portal.management.command import PortalCommand
from portal.management.staff_account import create_staff_account


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
        create_staff_account(email, self.stdout)
