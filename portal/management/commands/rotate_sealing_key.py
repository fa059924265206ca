"""``rotate_sealing_key``."""

from typing import Any

from django.core.management.base import CommandError

from portal.management.command import PortalCommand
from portal.services.sealing import SEALED, rotate_sealing_key

SHOWN = 20


class Command(PortalCommand):
    help = (
        "Encrypt every stored secret under the first of PORTAL_SEALING_KEYS. "
        "Every process of the portal has to know that key before. May be killed and repeated."
    )

    def run(self, **options: Any) -> None:
        done = rotate_sealing_key()
        for table in dict.fromkeys(place.table for place in SEALED):
            self.stdout.write(f"{table}: {done.resealed[table]} re-encrypted, {done.current[table]} current")
        if done.unopened:
            named = ", ".join(f"{table} {pk}" for table, pk in done.unopened[:SHOWN])
            more = f" and {len(done.unopened) - SHOWN} more" if len(done.unopened) > SHOWN else ""
            raise CommandError(
                f"none of PORTAL_SEALING_KEYS opens {len(done.unopened)} values: {named}{more}. "
                "Put the key back that sealed them, and repeat this."
            )
        self.stdout.write("Everything is under the first sealing key; the others can go.")
