"""``create_staff``."""

from argparse import ArgumentParser
from typing import Any

from portal.management.command import PortalCommand
from portal.management.staff_account import create_staff_account


class Command(PortalCommand):
    help = "Create a staff account; the password from LATCHKEY_STAFF_PASSWORD, or made and printed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)

    def run(self, **options: Any) -> None:
        create_staff_account(options["email"], self.stdout)
