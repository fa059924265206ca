"""Organizations, users and memberships: one each, nobody else's, and made again when somebody deletes them."""

from itertools import pairwise
from uuid import uuid4

import pytest

from provisioning.contract import RemoteUser
from provisioning.errors import Misconfigured, Rejected, Transient
from provisioning.plugins.auth0_m2m.accounts import _password, organization_name
from provisioning.testing import MemoryLedger, make_toolbox
from provisioning.testing.hooks import new_customer, new_email
from tests.fakes.auth0.process import Auth0Process
from tests.provisioning.plugins.auth0_m2m.conftest import issue, load

PORTAL = make_toolbox().base_url


def provision(
    tenant: Auth0Process,
    customer: str,
    email: str,
    subscription: str | None = None,
    ledger: MemoryLedger | None = None,
) -> RemoteUser:
    calls = (ledger or MemoryLedger()).calls(customer, uuid4().hex)
    return load(tenant).provision_user(customer, email, subscription, calls=calls)


def test_a_person_becomes_a_member_of_the_customers_organization(tenant: Auth0Process) -> None:
    customer, email = new_customer(), new_email()
    user = provision(tenant, customer, email, "sub-7")
    alive = tenant.truth().alive
    assert alive["users"][user.id]["app_metadata"] == {"customerId": customer, "subscriptionId": "sub-7"}
    organization = alive["organizations"][user.organization_id or ""]
    assert organization["name"] == organization_name(customer, PORTAL)
    assert organization["metadata"] == {"customerId": customer, "portal": PORTAL}
    assert load(tenant).get_user(customer, email) == user
    assert tenant.counts().get("mails_sent", 0) == 0


def test_provisioning_again_tells_the_subscription_of_now(tenant: Auth0Process) -> None:
    customer, email = new_customer(), new_email()
    user = provision(tenant, customer, email, "sub-7")
    for subscription in ("sub-8", None):
        provision(tenant, customer, email, subscription)
        told = tenant.truth().alive["users"][user.id]["app_metadata"]
        assert told.get("subscriptionId") == subscription
        assert told["customerId"] == customer


def test_a_key_of_another_subscription_tells_it_too(tenant: Auth0Process) -> None:
    customer, email, ledger = new_customer(), new_email(), MemoryLedger()
    for subscription in ("sub-1", "sub-2"):
        issue(tenant, customer, email, ledger=ledger, subscription_id=subscription)
    user = load(tenant).get_user(customer, email)
    assert user is not None
    assert tenant.truth().alive["users"][user.id]["app_metadata"]["subscriptionId"] == "sub-2"


def test_further_keys_cost_three_calls(tenant: Auth0Process) -> None:
    """Application, grant, association; who somebody is, is known."""
    customer, email, ledger = new_customer(), new_email(), MemoryLedger()
    plugin = load(tenant)
    issue(tenant, customer, email, ledger=ledger, plugin=plugin)
    before = tenant.counts()["requests"]
    issue(tenant, customer, email, ledger=ledger, plugin=plugin)
    assert tenant.counts()["requests"] == before + 3


def test_looking_somebody_up_costs_three_calls(tenant: Auth0Process) -> None:
    """The SDK's own paging would ask for one page more."""
    customer, email, plugin = new_customer(), new_email(), load(tenant)
    provision(tenant, customer, email)
    before = tenant.counts()["requests"]
    assert plugin.get_user(customer, email) is not None
    assert tenant.counts()["requests"] == before + 3


def test_a_user_that_auth0_knows_already_is_taken(tenant: Auth0Process) -> None:
    email = f"Ann.{uuid4().hex}@Example.com"
    first, other = (provision(tenant, new_customer(), address) for address in (email, email.lower()))
    assert first.id == other.id
    assert first.organization_id != other.organization_id


def test_a_member_of_one_customer_is_none_of_another(tenant: Auth0Process) -> None:
    one, other, email = new_customer(), new_customer(), new_email()
    provision(tenant, one, email)
    provision(tenant, other, new_email())
    assert load(tenant).get_user(other, email) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.b", "ab"), ("A-b", "a-b"), ("a_b", "a-b"), ("a" * 60, "a" * 61), ("é", "è"), ("//", "..")],
)
def test_customers_with_similar_ids_share_no_organization(one: str, other: str) -> None:
    names = organization_name(one, PORTAL), organization_name(other, PORTAL)
    assert names[0] != names[1]
    for name in names:
        assert len(name) <= 50
        assert name[0].isalnum()
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_two_portals_share_no_organization() -> None:
    assert organization_name("acme", PORTAL) != organization_name("acme", "https://other.example.com")


def test_an_organization_of_that_name_that_is_not_the_customers_is_left_alone(tenant: Auth0Process) -> None:
    customer = new_customer()
    plugin = load(tenant)
    plugin._api.prepare()
    plugin._api._sdk.organizations.create(  # somebody in the dashboard
        name=organization_name(customer, PORTAL), metadata={"customerId": "another", "portal": PORTAL}
    )
    with pytest.raises(Misconfigured) as caught:
        provision(tenant, customer, new_email())
    assert caught.value.code == "auth0_organization_taken"
    assert organization_name(customer, PORTAL) in caught.value.detail


def test_a_deleted_organization_is_made_anew_and_the_person_joins_it(tenant: Auth0Process) -> None:
    customer, email, ledger = new_customer(), new_email(), MemoryLedger()
    first = provision(tenant, customer, email, ledger=ledger)
    tenant.delete("organizations", first.organization_id or "")
    with pytest.raises(Rejected) as caught:
        issue(tenant, customer, email, ledger=ledger)
    assert caught.value.code == "auth0_organization_gone"
    created = issue(tenant, customer, email, ledger=ledger)
    claims = tenant.mint(created.external_id, created.secret.reveal())
    second = load(tenant).get_user(customer, email)
    assert second is not None
    assert second.id == first.id
    assert second.organization_id == claims["org_id"] != first.organization_id


def test_provisioning_makes_sure_of_the_organization(tenant: Auth0Process) -> None:
    customer, email, ledger = new_customer(), new_email(), MemoryLedger()
    first = provision(tenant, customer, email, ledger=ledger)
    tenant.delete("organizations", first.organization_id or "")
    with pytest.raises(Transient) as caught:
        provision(tenant, customer, email, ledger=ledger)
    assert caught.value.code == "auth0_organization_gone"
    second = provision(tenant, customer, email, ledger=ledger)
    assert load(tenant).get_user(customer, email) == second
    assert (second.id == first.id, second.organization_id == first.organization_id) == (True, False)


def test_provisioning_makes_sure_of_the_membership(tenant: Auth0Process) -> None:
    customer, email, ledger = new_customer(), new_email(), MemoryLedger()
    user = provision(tenant, customer, email, ledger=ledger)
    for id, member in tenant.truth().alive["members"].items():
        if user.id in str(member) or user.id in id:
            tenant.delete("members", id)
    assert load(tenant).get_user(customer, email) is None
    provision(tenant, customer, email, ledger=ledger)
    assert load(tenant).get_user(customer, email) == user


def test_passwords_meet_the_strictest_policy() -> None:
    for _ in range(300):
        password = _password()
        assert all(one != next for one, next in pairwise(password))
        assert all(any(test(c) for c in password) for test in (str.islower, str.isupper, str.isdigit))
        assert not password.isalnum()


def test_a_connection_that_takes_nobody_waits_for_the_operator(tenant: Auth0Process) -> None:
    plugin = load(tenant, PLUGIN_AUTH0_M2M_CONNECTION="nowhere")
    with pytest.raises(Misconfigured) as caught:
        issue(tenant, new_customer(), new_email(), plugin=plugin)
    assert caught.value.code == "auth0_user_refused"
    assert "nowhere" in caught.value.detail


def test_a_deleted_user_is_made_anew(tenant: Auth0Process) -> None:
    customer, email, ledger = new_customer(), new_email(), MemoryLedger()
    first = provision(tenant, customer, email, ledger=ledger)
    tenant.delete("users", first.id)
    with pytest.raises(Transient) as caught:
        provision(tenant, customer, email, ledger=ledger)
    assert caught.value.code == "auth0_user_gone"
    second = provision(tenant, customer, email, ledger=ledger)
    assert second.id != first.id
    assert second.organization_id == first.organization_id
    assert load(tenant).get_user(customer, email) == second


def test_a_user_that_somebody_creates_in_the_same_moment_is_looked_for_again(tenant: Auth0Process) -> None:
    """Auth0 shows no user, and refuses to create one: 409."""
    email = new_email()
    tenant.set_faults(lookup_lag_seconds=600)
    provision(tenant, new_customer(), email)
    before = len(tenant.truth().alive["users"])
    with pytest.raises(Transient) as caught:
        provision(tenant, new_customer(), email)
    assert caught.value.code == "auth0_conflict"
    assert len(tenant.truth().alive["users"]) == before
