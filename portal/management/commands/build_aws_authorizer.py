"""``build_aws_authorizer``."""

import hashlib
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from portal.management.aws_bundle import PLATFORMS, PYTHONS, build
from portal.management.command import PortalCommand


class Command(PortalCommand):
    help = "Make the zip of the AWS Lambda authorizer; the same inputs give the same bytes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", required=True, type=Path, metavar="authorizer.zip")
        parser.add_argument("--architecture", choices=list(PLATFORMS), default="x86_64")
        parser.add_argument("--python", choices=PYTHONS, default=PYTHONS[-1], help="of the Lambda runtime")

    def run(self, **options: Any) -> None:
        output, architecture, python = options["output"], options["architecture"], options["python"]
        packed = build(architecture=architecture, python=python)
        try:
            output.write_bytes(packed)
        except OSError as exc:
            raise CommandError(f"{output} could not be written: {exc.strerror}") from None
        size, digest = len(packed) / 1_000_000, hashlib.sha256(packed).hexdigest()
        self.stdout.write(f"{output}: {size:.1f} MB for python{python} on {architecture}, sha256 {digest}")
        self.stdout.write(
            "handler lambda_function.lambda_handler; its environment: gateways/aws_authorizer/README.md"
        )
