"""Keys that a person knows: what to rotate when they leave."""

from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Concat

from portal.core.clock import now
from portal.models import Customer, IssuedKey, ManagementToken, User


def keys_known_to(customer: Customer, person: User) -> "QuerySet[IssuedKey]":
    """The customer's keys that still work or will, and that the person created or saw the secret of.

    What an access token of theirs did, they did. Each row says which: ``was_created``, ``was_seen``. A key
    that others made for them and whose secret they never saw they don't know. Keys whose time or overlap is
    up are harmless, so they are left out.
    """
    tokens = ManagementToken.objects.filter(owner=person).values(
        named=Concat(Value("token "), F("public_id"))
    )
    created = Q(created_by=person.identity) | Q(created_by__in=tokens)
    seen = Q(revealed_by=person.identity) | Q(revealed_by__in=tokens)
    still = Q(expires_at=None) | Q(expires_at__gt=now())
    kept = Q(retires_at=None) | Q(retires_at__gt=now())
    found = IssuedKey.objects.filter(created | seen, still, kept, customer=customer).alive()
    return found.annotate(was_created=_true(created), was_seen=_true(seen))


def _true(condition: Q) -> "ExpressionWrapper[Q]":
    return ExpressionWrapper(condition, output_field=BooleanField())
