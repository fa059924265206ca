"""``provision``: what the admin's button does, from a shell."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from portal.core.actor import SYSTEM
from portal.core.errors import Invalid
from portal.jobs.run import run_inline, wait_for
from portal.management.command import PortalCommand, the_customer, the_user
from portal.models import Customer, Membership, Operation, User
from portal.services.keys.request import request_key
from portal.services.operations.queue import request_provisioning

WAIT_SECONDS = 30


class Command(PortalCommand):
    help = "Make a customer's user known at a plugin; with --key, issue a key too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer", help="id or external id")
        parser.add_argument("--user", metavar="EMAIL", help="default: the customer's first owner")
        parser.add_argument("--plugin", metavar="SLUG", help="default: the first that is enabled")
        parser.add_argument("--key", metavar="NAME", help="issue a key of that name; its user reveals it")

    def run(self, **options: Any) -> None:
        customer = the_customer(options["customer"])
        user = the_user(options["user"]) if options["user"] else _owner(customer)
        asked = request_provisioning(SYSTEM, customer.pk, user=user, plugin=options["plugin"])
        self._finish(asked, f"provisioned {customer.public_id}")
        if options["key"]:
            asked = request_key(SYSTEM, customer.pk, user=user, name=options["key"], plugin=options["plugin"])
            assert asked.key is not None
            self._finish(asked, f"issued {asked.key.public_id}")

    def _finish(self, operation: Operation, done: str) -> None:
        run_inline(operation)
        ended = wait_for(operation.pk, seconds=WAIT_SECONDS)
        if ended.state == Operation.State.SUCCEEDED:
            self.stdout.write(done)
        elif ended.state in Operation.OPEN:
            self.stdout.write(f"{ended.public_id} is {ended.state}; a worker carries on with it")
        else:
            raise CommandError(f"{ended.public_id} {ended.state}: {ended.error_code}: {ended.error_detail}")


def _owner(customer: Customer) -> User:
    membership = (
        Membership.objects.filter(customer=customer, role=Membership.Role.OWNER)
        .select_related("user")
        .first()
    )
    if membership is None:
        raise Invalid("user_missing", "The customer has no owner: name a user with --user.")
    return membership.user
