"""``verify_audit``."""

from typing import Any

from django.core.management.base import CommandError

from portal.management.command import PortalCommand
from portal.services.audit import broken_entries, entry_count, purged_count


class Command(PortalCommand):
    help = "Check the audit log's chains; status 1 and the first broken entry when tampered with."

    def run(self, **options: Any) -> None:
        fault = next(broken_entries(), None)
        if fault is not None:
            raise CommandError(f"the audit log was tampered with: {fault}")
        purged = purged_count()
        gone = f", {purged} of them purged" if purged else ""
        self.stdout.write(f"audit log intact: {entry_count()} entries{gone}")
