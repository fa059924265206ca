"""``gateway_config``: a recipe from ``gateways/`` with this portal's values in it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from portal.core.recipes import Recipe, Values, recipe_named, recipes
from portal.management.command import PortalCommand
from portal.services.gateways import remarks, values_of_this_portal


class Command(PortalCommand):
    help = "Print a gateway's configuration with this portal's values; what to mind goes to stderr."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="which: --list names all")
        parser.add_argument("--list", action="store_true", help="name all recipes")
        parser.add_argument(
            "--output", metavar="FOLDER", type=Path, help="write the files and the README there"
        )
        parser.add_argument("--force", action="store_true", help="with --output: replace files that differ")
        parser.add_argument(
            "--audience",
            metavar="A",
            help="which of PLUGIN_JWT_AUDIENCE the gateway asks for; default: the first",
        )

    def run(self, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        if not options["name"]:
            raise CommandError(f"NAME is missing: one of {', '.join(recipes())}")
        recipe = recipe_named(options["name"])
        values = values_of_this_portal(audience=options["audience"])
        if options["output"]:
            self._write(recipe, values, options["output"], force=options["force"])
        else:
            self._print(recipe, values)
        for remark in remarks(recipe, values):
            self.stderr.write(f"note: {remark}")

    def _list(self) -> None:
        width = max(map(len, recipes()), default=0)
        for recipe in recipes().values():
            self.stdout.write(f"{recipe.name:{width}}  {recipe.kind:7}  {recipe.title}")

    def _print(self, recipe: Recipe, values: Values) -> None:
        """One file as it is, so that it can be redirected; several with their names over them."""
        files = recipe.filled(values) or {"README.md": recipe.page(values)}
        texts = list(files.values())
        if len(files) > 1:
            texts = [f"==> {name} <==\n{text}" for name, text in files.items()]
        self.stdout.write("\n".join(texts), ending="")

    def _write(self, recipe: Recipe, values: Values, folder: Path, *, force: bool) -> None:
        """All files or, where one is in the way, none. Repeating changes nothing."""
        files = {folder / name: text for name, text in recipe.filled(values).items()}
        files[folder / "README.md"] = recipe.page(values)
        try:
            differ = [
                path for path, text in files.items() if path.exists() and path.read_bytes() != text.encode()
            ]
            if differ and not force:
                names = ", ".join(map(str, differ))
                raise CommandError(f"{names} is there already and differs; --force replaces it")
            for path, text in files.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="")
                self.stdout.write(str(path))
        except OSError as exc:
            raise CommandError(f"{exc.filename}: {exc.strerror}") from exc
