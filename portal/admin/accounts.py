"""What customers and their people are at plugins: organizations, consumers, users there."""

from typing import Any

from django.db.models import Aggregate, OuterRef, QuerySet, Subquery, TextField, Value
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin.show import code, link
from portal.models import Customer, ProviderAccount

BOOKKEEPING = ("membership", "app_metadata")
"""Kinds that say what was done to an account which is listed itself."""
SHOWN = 20


def _ready() -> QuerySet[ProviderAccount]:
    return ProviderAccount.objects.filter(state="ready").exclude(kind__in=BOOKKEEPING)


def accounts_of(customer: Customer, *, people: bool = True) -> list[SafeString]:
    """A line an account, the customer's own first, then its people's. Two queries."""
    rows = _ready().filter(customer=customer).select_related("user")
    found = list(rows.filter(user=None).order_by("plugin", "kind")[: SHOWN + 1])
    if people:
        found += rows.exclude(user=None).order_by("plugin", "id")[: SHOWN + 1]
    shown = [_line(row) for row in found[:SHOWN]]
    return [*shown, format_html("And more: search for one by its id.")] if len(found) > SHOWN else shown


def accounts_at(customer_id: int, plugin: str) -> list[SafeString]:
    """What the customer itself is at that plugin."""
    rows = _ready().filter(customer=customer_id, plugin=plugin, user=None).order_by("kind")[:SHOWN]
    return [format_html("{} {}", row.kind.capitalize(), code(row.external_id)) for row in rows]


def _line(row: ProviderAccount) -> SafeString:
    who = format_html("{} ", link(row.user, row.user.email)) if row.user else ""
    return format_html("{} at {} {}{}", row.kind.capitalize(), row.plugin, who, code(row.external_id))


class _Joined(Aggregate):
    """Texts in one, a blank between; SQLite and PostgreSQL name it differently."""

    function = "STRING_AGG"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="GROUP_CONCAT", **context)


def account_ids() -> Subquery:
    """The ids of what a customer itself is at plugins, for a column of a file."""
    own = _ready().filter(customer=OuterRef("pk"), user=None).order_by().values("customer")
    return Subquery(own.annotate(ids=_Joined("external_id", Value(" "))).values("ids"))
