"""``purge``."""

from argparse import ArgumentParser
from typing import Any

from portal.management.command import PortalCommand
from portal.services.purge import purge


class Command(PortalCommand):
    help = "Erase what is past its retention, as workers do every hour. May be stopped and repeated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only, erase nothing")

    def run(self, **options: Any) -> None:
        done = "to erase" if options["dry_run"] else "erased"
        for name, count in purge(dry_run=options["dry_run"]).items():
            self.stdout.write(f"{name}: {count} {done}")
