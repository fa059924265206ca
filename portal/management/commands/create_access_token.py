"""``create_access_token``."""

from argparse import ArgumentParser
from typing import Any

from portal.core.errors import Invalid
from portal.management.command import PortalCommand, the_customer, the_user
from portal.services.access_tokens import create_access_token
from portal.services.actors import actor_of_user
from tokens.durations import parse_duration


class Command(PortalCommand):
    help = "Print a new management token, and nothing else, on stdout."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True, help="whose token it is")
        parser.add_argument("--scopes", required=True, help='such as "keys:read keys:write"')
        parser.add_argument("--customer", help="bind it to one customer: id or external id")
        parser.add_argument("--expires-in", help="such as 30d; never when absent")

    def run(self, **options: Any) -> None:
        owner = the_user(options["email"])
        span = options["expires_in"]
        try:
            expires_in = parse_duration(span) if span else None
        except ValueError as exc:
            raise Invalid.field("--expires-in", "must be a duration such as 30d") from exc
        _, text = create_access_token(
            actor_of_user(owner),
            owner=owner,
            scopes=options["scopes"].split(),
            customer=the_customer(options["customer"]) if options["customer"] else None,
            expires_in=expires_in,
            name="made by create_access_token",
        )
        self.stdout.write(text.reveal())
