"""``revoke_signing_key``."""

import re
from argparse import ArgumentParser
from typing import Any

from portal.core.actor import SYSTEM
from portal.management.command import PortalCommand
from portal.services.signing_keys.rotate import revoke_signing_key

# A kid is mostly a thumbprint (RFC 7638) in base64url, and one in 64 begins with a dash.
_DASHED_KID = re.compile(r"-[A-Za-z0-9_-]{42}")


class Command(PortalCommand):
    help = "Emergency: drop a signing key at once and revoke every unexpired key it signed."

    def run_from_argv(self, argv: list[str]) -> None:
        # Behind `--`, argparse doesn't take it for an option.
        kids = [text for text in argv[2:] if _DASHED_KID.fullmatch(text)]
        others = [text for text in argv if text not in kids]
        super().run_from_argv([*others, "--", *kids] if kids else argv)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kid")
        parser.add_argument("--reason", required=True)

    def run(self, **options: Any) -> None:
        hit = revoke_signing_key(SYSTEM, options["kid"], reason=options["reason"])
        self.stdout.write(f"revoked {options['kid']}: {hit.keys} keys of {hit.customers} customers")
