"""``after_restore``: a database from a backup, made safe to serve from."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from portal.core.plugins import registry
from portal.jobs.claim import free_abandoned
from portal.jobs.reconcile import reconcile_plugin
from portal.management.command import PortalCommand
from portal.services.restore import Restored, make_safe
from portal.services.signing_keys.rotate import may_activate_at
from provisioning.contract import Lists, Plugin
from provisioning.errors import ProvisioningError


class Command(PortalCommand):
    help = (
        "Make a database that was restored from a backup safe: status indices beyond any ever given, "
        "another signing key, reconcile. Run it before web and worker start; may be repeated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="mend what reconciling finds")

    def run(self, **options: Any) -> None:
        done = make_safe()
        self._tell(done)
        freed = free_abandoned()
        self.stdout.write(f"Operations that were running: {freed}, freed to go on.")
        unasked = [plugin.slug for plugin in registry() if not self._reconcile(plugin, options["repair"])]
        self._next_steps(done)
        if unasked:
            raise CommandError(
                f"{', '.join(unasked)} could not be asked; all else is done. Run reconcile when it answers."
            )

    def _tell(self, done: Restored) -> None:
        say = self.stdout.write
        say(f"Status lists: the next key begins list {done.first_list}, in which no key ever was.")
        say(f"Signing key: {done.signing_key.kid} signs; {done.former_kid} only verifies from here on.")
        say(f"Sessions: {done.sessions} ended; everybody signs in again.")
        say(f"Operations that may have been done since the backup: {done.held}, held for you.")

    def _reconcile(self, plugin: Plugin, repair: bool) -> bool:
        if not isinstance(plugin, Lists):
            self.stdout.write(f"Reconcile {plugin.slug}: nothing to compare, it lists no credentials.")
            return True
        try:
            found = reconcile_plugin(plugin, repair=repair)
        except ProvisioningError as exc:
            self.stdout.write(f"Reconcile {plugin.slug}: not done. {exc.detail or exc.code}")
            return False
        for drift in found:
            where = " ".join(filter(None, [drift.key, drift.external_id]))
            self.stdout.write(f"Reconcile {plugin.slug}: {drift.kind} {where}: {drift.detail}")
        advice = " Repeat with --repair to mend that." if found and not repair else ""
        self.stdout.write(f"Reconcile {plugin.slug}: {len(found)} credentials differ.{advice}")
        return True

    def _next_steps(self, done: Restored) -> None:
        self.stdout.write("\nWhat you have to do, because this database can't know it:")
        for number, step in enumerate(_steps(done), 1):
            self.stdout.write(f"{number}. {step}")


def _steps(done: Restored) -> list[str]:
    steps = [
        "Revoke again what was revoked since the backup: it counts again. Your logs have it: audit.recorded "
        "with action key.revoked, access_token.revoked, member.removed, signing_key.revoked.",
        "Keys issued since the backup are not known here: introspection and /verify refuse them, but "
        "gateways that verify by themselves accept them until they expire. To end them all now, with every "
        f"key that {done.former_kid} signed: revoke_signing_key {done.former_kid} --reason restore",
    ]
    if done.may_have_signed:
        at = may_activate_at(done.signing_key)
        steps.append(
            f"If signing keys were rotated since the backup, {done.signing_key.kid} has signed keys that "
            f"are not known here (it was allowed to from {at:%Y-%m-%dT%H:%MZ} on). The key staged just now "
            "never has: run rotate_signing_key when its lead time has passed."
        )
    if done.held:
        steps.append(
            f"Cancel the {done.held} operations that need attention (admin, Operations): that removes what "
            "they created, if anything. Then ask for the keys again."
        )
    if done.unrevealed:
        steps.append(
            f"{done.unrevealed} secrets count as not yet shown; some may have been shown since the backup. "
            "Rotate a key if that matters."
        )
    return [*steps, "Run verify_audit, start web and worker, make a new backup."]
