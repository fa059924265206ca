"""``revoke_signing_key``."""

from argparse import ArgumentParser
from typing import Any

from portal.core.actor import SYSTEM
from portal.management.command import PortalCommand
from portal.services.signing_keys.rotate import revoke_signing_key


class Command(PortalCommand):
    help = "Emergency: drop a signing key at once and revoke every unexpired key it signed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kid")
        parser.add_argument("--reason", required=True)

    def run(self, **options: Any) -> None:
        hit = revoke_signing_key(SYSTEM, options["kid"], reason=options["reason"])
        self.stdout.write(f"revoked {options['kid']}: {hit.keys} keys of {hit.customers} customers")
