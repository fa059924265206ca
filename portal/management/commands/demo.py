"""``demo``: what ``make demo`` runs: a month of sample data, then the same as ``run``."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connection

from portal.core.clock import now, set_clock
from portal.management.command import PortalCommand
from portal.management.demo.fill import BEFORE, data_held, fill, is_filled, the_owner
from portal.management.staff_account import first_staff_email, given_password
from portal.management.web_server import check_address
from portal.models import Customer, IssuedKey, SigningKey, User
from provisioning.secret import Secret


class Command(PortalCommand):
    help = "Fill an empty database with a company's month of sample data, then serve it like `run`."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fill-only", action="store_true", help="fill the database and end")

    def run(self, **options: Any) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError(
                "The demo is for development, and PORTAL_ENV is production here. Nothing was changed."
            )
        if not options["fill_only"]:
            check_address("127.0.0.1", settings.PORT)
        self._prepare()
        if is_filled():
            self.stdout.write("The demo's data is here already.")
            self._customer_account()
        else:
            self._fill()
        if not options["fill_only"]:
            self.stdout.flush()
            call_command("run", stdout=self.stdout, stderr=self.stderr)

    def _prepare(self) -> None:
        """In a new database the signing keys are as old as the month: they sign in it."""
        long_ago = now() - BEFORE
        is_new = SigningKey._meta.db_table not in connection.introspection.table_names()
        set_clock((lambda: long_ago) if is_new else None)
        try:
            call_command("prepare", verbosity=0)
        finally:
            set_clock(None)

    def _fill(self) -> None:
        if held := data_held():
            raise CommandError(
                f"This database holds data of its own ({held}), and the demo is for an empty one. Nothing "
                "was changed. Use make run, or: make demo DATABASE_URL=sqlite:///var/demo.sqlite3"
            )
        self.stdout.write("Filling the database with a month of sample data …")
        self.stdout.flush()
        given = given_password()
        password = given or Secret(secrets.token_urlsafe(15))
        staff = None if User.objects.filter(is_staff=True).exists() else first_staff_email()
        fill(password, staff=staff)
        self.stdout.write(
            f"{Customer.objects.count()} customers and {IssuedKey.objects.count()} keys, all made up."
        )
        if staff:
            self.stdout.write(f"Staff account: {staff}")
        self._customer_account()
        if given is None:
            self.stdout.write(f"Password{' of both' if staff else ''} (shown once): {password.reveal()}")

    def _customer_account(self) -> None:
        if owner := the_owner():
            self.stdout.write(f"Customer account: {owner.email}")
