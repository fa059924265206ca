"""Search by what has an index: exact ids and addresses, beginnings of names. Never ``icontains``."""

from django.db.models import Q

from portal.core.phone_numbers import parse_phone_number
from portal.models import Customer, PhoneToken, User

MOST = 200
"""So many customers or users a term may stand for."""
_BETWEEN_DIGITS = str.maketrans("", "", " ()-./")


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


def phone_tokens(term: str) -> Q:
    """Those of the transaction, and of the number however people write it, with its + or without."""
    number = parse_phone_number(term.translate(_BETWEEN_DIGITS))
    if number is None:
        return Q(xid=term)
    # By keys alone: with another column in the OR no index would give the order.
    named = list(PhoneToken.objects.filter(xid=term).values_list("pk", flat=True)[:MOST])
    found = Q(phone_hash__in=PhoneToken.objects.hashes_of(number))
    return found | Q(pk__in=named) if named else found
