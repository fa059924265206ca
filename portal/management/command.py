"""Commands end with one line on stderr and status 1 when something is wrong."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.core.errors import NotFound, PortalError
from portal.models import Customer, User
from provisioning.errors import ProvisioningError


class PortalCommand(BaseCommand):
    """Subclasses write ``run``; a refusal by a service becomes the command's error."""

    _called_from_command_line: bool

    requires_system_checks: list[str] = []  # they run at start and in `check`

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Wrong arguments are reported like every other error, not with argparse's status 2.
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.called_from_command_line = False
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError as exc:
            # Django would begin the line with the name of the class.
            if self._called_from_command_line and not options["traceback"]:
                sys.exit(f"error: {' '.join(str(exc).split())}")
            raise

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.run(**options)
        except PortalError as exc:
            raise CommandError(exc.detail) from exc
        except ProvisioningError as exc:
            raise CommandError(exc.detail or exc.code) from exc

    def run(self, **options: Any) -> None:
        raise NotImplementedError


def the_customer(name: str) -> Customer:
    """The customer with that id or external id; raises ``NotFound``."""
    customer = Customer.objects.called(name).first()
    if customer is None:
        raise NotFound("customer")
    return customer


def the_user(email: str) -> User:
    user = User.objects.called(email).first()
    if user is None:
        raise NotFound("user")
    return user
