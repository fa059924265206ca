"""Search by what has an index: exact ids and addresses, beginnings of names. Never ``icontains``."""

from django.db.models import Q

from portal.models import Customer, User

MOST = 200
"""So many customers or users a term may stand for."""


def name_begins(field: str, term: str) -> Q:
    """The name begins with the term in one of the ways in which people write names."""
    found = Q()
    for spelling in {term, term.lower(), term.upper(), term.capitalize(), term.title()}:
        found |= Q(**{f"{field}__startswith": spelling})
    return found


def customers(term: str) -> Q:
    """Those at providers are looked up first: joined, no index would answer the rest."""
    return (
        Q(public_id=term) | Q(external_id=term) | Q(email=term.lower()) | name_begins("name", term)
        | Q(pk__in=Customer.objects.ids_at(term)[:MOST])
    )  # fmt: skip


def users(term: str) -> Q:
    return Q(public_id=term) | Q(email__startswith=User.objects.normalize_email(term))


def of_customer_or_user(term: str, *, user: str = "user_id", customer: str = "customer_id") -> Q:
    """Rows of the customers and users that the term stands for; both are looked up first."""
    found = Q()
    if user:
        found |= Q(
            **{f"{user}__in": list(User.objects.filter(users(term)).values_list("pk", flat=True)[:MOST])}
        )
    if customer:
        named = Customer.objects.filter(customers(term)).values_list("pk", flat=True)
        found |= Q(**{f"{customer}__in": list(named[:MOST])})
    return found
