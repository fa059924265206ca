"""What customers are at plugins: shown, found by it, and in the file."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils.formats import date_format

from portal.models import Customer, IssuedKey, Membership, ProviderAccount
from tests.admin.conftest import Admin, text_of
from tests.admin.test_export import rows
from tests.conftest import Clock
from tests.factories import CustomerFactory, MembershipFactory
from tests.oauth import oauth_key, provisioned

pytestmark = pytest.mark.django_db
ORGANIZATION = "org_AcMe1"


@pytest.fixture
def known(owner: Membership) -> Membership:
    """The owner of a customer that is known at Auth0, among others that aren't or are under other ids."""
    CustomerFactory()
    provisioned(MembershipFactory(), organization="org_Other")
    provisioned(owner, organization=ORGANIZATION)
    return owner


def found(admin: Admin, model: str, term: str) -> list[str]:
    return [row.public_id for row in admin.get(f"portal/{model}/", q=term).context["cl"].result_list]


def test_a_customer_is_found_by_its_organization_and_by_its_peoples_ids(
    admin: Admin, known: Membership
) -> None:
    for term in (ORGANIZATION, f"auth0|{known.user.public_id}"):
        assert found(admin, "customer", term) == [known.customer.public_id]
    for term in ("org_AcMe", ORGANIZATION.lower(), "AcMe1"):
        assert found(admin, "customer", term) == []


def test_keys_are_found_by_their_customers_organization(admin: Admin, known: Membership) -> None:
    assert found(admin, "issuedkey", ORGANIZATION) == []
    key = oauth_key(known)
    assert found(admin, "issuedkey", ORGANIZATION) == [key.public_id]


def test_many_customers_with_one_persons_account_are_listed_once_each(
    admin: Admin, known: Membership
) -> None:
    other = MembershipFactory(user=known.user).customer
    ProviderAccount.objects.create(
        plugin="auth0-m2m", customer=other, user=known.user, kind="user", state="ready",
        external_id=f"auth0|{known.user.public_id}",
    )  # fmt: skip
    listed = found(admin, "customer", f"auth0|{known.user.public_id}")
    assert listed == list(
        Customer.objects.filter(pk__in=[known.customer_id, other.pk])
        .order_by("-id")
        .values_list("public_id", flat=True)
    )


def test_a_customers_page_lists_the_organization_then_people(admin: Admin, known: Membership) -> None:
    told = text_of(admin.get(f"portal/customer/{known.customer_id}/change/"))
    user = f"auth0|{known.user.public_id}"
    line = f"Organization at auth0-m2m {ORGANIZATION} User at auth0-m2m {known.user.email} {user}"
    assert line in told
    assert "Membership at" not in told
    assert "App_metadata" not in told
    assert told.count(user) == 1


def test_peoples_accounts_are_for_those_who_may_see_people(
    staff_with: Callable[..., Admin], known: Membership
) -> None:
    told = text_of(staff_with("view_customer").get(f"portal/customer/{known.customer_id}/change/"))
    assert ORGANIZATION in told
    assert known.user.email not in told
    assert f"auth0|{known.user.public_id}" not in told


def test_what_is_not_there_yet_is_not_listed(admin: Admin, owner: Membership) -> None:
    ProviderAccount.objects.create(plugin="auth0-m2m", customer=owner.customer, kind="organization")
    told = text_of(admin.get(f"portal/customer/{owner.customer_id}/change/"))
    assert "No accounts at gateways" in told


def test_a_keys_page_names_the_customers_organization_at_its_plugin(
    admin: Admin, known: Membership, auth0: None
) -> None:
    assert f"Customer at the provider: Organization {ORGANIZATION}" in key_page(admin, oauth_key(known))
    assert ORGANIZATION not in key_page(admin, oauth_key(known, plugin="jwt"))


def key_page(admin: Admin, key: IssuedKey) -> str:
    return text_of(admin.get(f"portal/issuedkey/{key.pk}/change/"))


def test_a_keys_page_says_until_when_its_tokens_work(
    admin: Admin, known: Membership, auth0: None, clock: Clock
) -> None:
    up_to = "Each works for 1d, so up to 1d after the key is removed at the provider"
    for state in ("active", "revoking"):
        assert up_to in key_page(admin, oauth_key(known, status=state))
    told = key_page(admin, oauth_key(known, status="revoked", revoked_at=clock()))
    until = clock() + timedelta(hours=24)
    assert f"Work at the latest until {date_format(until, 'j M Y, H:i')} UTC in 1 day" in told
    assert "Fetched with it" not in key_page(admin, oauth_key(known, plugin="jwt"))


def test_the_file_of_customers_has_their_accounts_and_no_persons(admin: Admin, known: Membership) -> None:
    ProviderAccount.objects.create(
        plugin="kong", customer=known.customer, kind="consumer", external_id="c-1", state="ready"
    )
    accounts = {row["id"]: sorted(row["accounts"].split()) for row in rows(admin, "customer")}
    assert accounts[known.customer.public_id] == ["c-1", ORGANIZATION]
    assert sorted(map(tuple, accounts.values())) == [(), ("c-1", ORGANIZATION), ("org_Other",)]
