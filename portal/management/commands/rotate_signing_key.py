"""``rotate_signing_key``."""

from argparse import ArgumentParser
from typing import Any

from portal.core.actor import SYSTEM
from portal.core.plugins import signing_source
from portal.management.command import PortalCommand
from portal.services.signing_keys.rotate import rotate_signing_key


class Command(PortalCommand):
    help = "Let the staged signing key sign, and stage another."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--algorithm", help="of the key staged next; default: the configured one")
        parser.add_argument("--now", action="store_true", help="even if gateways may not know the key yet")

    def run(self, **options: Any) -> None:
        active = rotate_signing_key(SYSTEM, algorithm=options["algorithm"], force=options["now"])
        self.stdout.write(f"active: {active.kid} ({active.algorithm})")
        if signing_source() != active.source:
            self.stdout.write(
                "Keys are signed with PLUGIN_JWT_SECRET still; this one is next when that is unset."
            )
