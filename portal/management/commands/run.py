"""``run``: what ``make run`` serves: web and worker on one machine, from nothing."""

from typing import Any

from django.conf import settings
from django.core.management import call_command

from portal.management.command import PortalCommand
from portal.management.processes import Processes
from portal.management.staff_account import create_staff_account, first_staff_email
from portal.management.web_server import check_address
from portal.models import User


class Command(PortalCommand):
    help = "Prepare the database, create the first staff account, and serve web and worker."

    def run(self, **options: Any) -> None:
        check_address("127.0.0.1", settings.PORT)
        call_command("prepare", verbosity=0)
        self._first_staff()
        url = f"http://127.0.0.1:{settings.PORT}"
        processes = Processes(
            ["serve", "--prepared", "--workers", "1", "--port", str(settings.PORT)],
            ["worker"],
        )
        self.stdout.write(f"Portal   {url}\nAdmin    {url}/{settings.ADMIN_PATH}\nCtrl-C stops it.")
        self.stdout.flush()
        processes.run()

    def _first_staff(self) -> None:
        if User.objects.filter(is_staff=True).exists():
            return
        create_staff_account(first_staff_email(), self.stdout)
