"""``serve``: the production web server."""

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command

from portal.management.command import PortalCommand
from portal.management.measuring import measure_as
from portal.management.web_server import serve


class Command(PortalCommand):
    help = "Serve the portal with granian."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
        parser.add_argument("--threads", type=int, default=48, help="requests at a time in each process")
        parser.add_argument("--prepared", action="store_true", help="`prepare` has just been run")

    def run(self, **options: Any) -> None:
        measure_as("web")
        if not options["prepared"]:
            call_command("prepare", verbosity=0)
        serve(options["host"], options["port"], workers=options["workers"], threads=options["threads"])
