"""``reconcile``: what differs between the portal and its providers."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from portal.core.plugins import plugin_named, registry
from portal.jobs.reconcile import Drift, reconcile_plugin
from portal.management.command import PortalCommand
from provisioning.contract import Lists, Plugin


class Command(PortalCommand):
    help = "Compare the portal's keys with the providers'. Ends with status 1 while they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--plugin", metavar="SLUG", help="default: all that are enabled")
        parser.add_argument("--repair", action="store_true", help="delete strays, end keys that are gone")
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def run(self, **options: Any) -> None:
        plugins = [plugin_named(options["plugin"])] if options["plugin"] else list(registry())
        found = {plugin.slug: reconcile_plugin(plugin, repair=options["repair"]) for plugin in plugins}
        if options["format"] == "json":
            self.stdout.write(json.dumps([_member(slug, drift) for slug in found for drift in found[slug]]))
        else:
            for plugin in plugins:
                self._tell(plugin, found[plugin.slug])
        count = sum(map(len, found.values()))
        if count:
            advice = "" if options["repair"] else "; --repair mends them"
            raise CommandError(f"{count} credential{'s' * (count != 1)} differ{'s' * (count == 1)}{advice}")

    def _tell(self, plugin: Plugin, drifts: list[Drift]) -> None:
        if not isinstance(plugin, Lists):
            self.stdout.write(f"{plugin.slug}: nothing to compare, it lists no credentials")
        elif not drifts:
            self.stdout.write(f"{plugin.slug}: nothing differs")
        for drift in drifts:
            where = " ".join(filter(None, [drift.key, drift.external_id]))
            self.stdout.write(f"{plugin.slug}: {drift.kind} {where}: {drift.detail}")


def _member(slug: str, drift: Drift) -> dict[str, str]:
    return {"plugin": slug, "kind": drift.kind, "key": drift.key, "external_id": drift.external_id,
            "detail": drift.detail}  # fmt: skip
