"""The seed's ten permissions suffice; what needs more says what a person has to do, and what for."""

from contextlib import suppress

import pytest

from provisioning.contract import KeyRef
from provisioning.errors import Misconfigured, OutcomeUnknown, Transient
from provisioning.plugins.auth0_m2m.errors import MissingScope
from provisioning.plugins.auth0_m2m.permissions import NEEDED, OPTIONAL, UNUSED
from provisioning.testing import Crash, KillPoint, MemoryLedger
from provisioning.testing.hooks import new_customer, new_email, new_request
from tests.fakes.auth0.process import ALL, OPTIONAL_SCOPES, TEN_SCOPES, Auth0Process
from tests.provisioning.plugins.auth0_m2m.conftest import issue, load

APPLICATION, GRANT = 4, 5
"""Which of a first key's steps they are."""


class Interrupted:
    """A request whose step went wrong at ``point``; ``again`` repeats it in a new process."""

    def __init__(self, tenant: Auth0Process, step: int, point: KillPoint) -> None:
        self.tenant, self.request = tenant, new_request(scopes=("orders:read",))
        self.customer, self.email, self.ledger = new_customer(), new_email(), MemoryLedger()
        calls = self.ledger.calls(self.customer, self.request.marker, kill_at=point, kill_call=step)
        with suppress(Crash, OutcomeUnknown):
            load(tenant).create_api_key(self.customer, self.email, request=self.request, calls=calls)
        assert calls.killed

    @property
    def name(self) -> str:
        return f"Latchkey {self.request.marker}"

    @property
    def there(self) -> list[str]:
        return [id for id, c in self.tenant.truth().alive["clients"].items() if c["name"] == self.name]

    def again(self) -> str:
        """The client id; its secret works."""
        calls = self.ledger.calls(self.customer, self.request.marker)
        created = load(self.tenant).create_api_key(
            self.customer, self.email, request=self.request, calls=calls
        )
        assert self.tenant.mint(created.external_id, created.secret.reveal())
        assert self.there == [created.external_id]
        return created.external_id

    def stops(self) -> Misconfigured:
        with pytest.raises(Misconfigured) as caught:
            self.again()
        return caught.value

    def confirm_absent(self) -> None:
        """As the portal does when a person says so."""
        for row in [row for row in self.ledger.rows if row[0].startswith("request ")]:
            del self.ledger.rows[row]


def test_ten_permissions_suffice_to_provision_and_to_issue(tenant: Auth0Process) -> None:
    tenant.set_scopes(*TEN_SCOPES)
    created = issue(tenant, new_customer(), new_email())
    assert tenant.mint(created.external_id, created.secret.reveal())


def test_nine_of_them_are_needed(tenant: Auth0Process) -> None:
    assert set(NEEDED) | set(UNUSED) == set(TEN_SCOPES)
    for scope in NEEDED:
        tenant.set_scopes(*(set(ALL) - {scope}))
        with pytest.raises(MissingScope) as caught:
            issue(tenant, new_customer(), new_email())
        assert scope in caught.value.detail


def test_check_tells_each_missing_permission_and_its_price(tenant: Auth0Process) -> None:
    assert list(load(tenant).check()) == []
    tenant.set_scopes(*TEN_SCOPES)
    told = load(tenant).check()
    lacking = [scope for scope in OPTIONAL if any(scope in problem.detail for problem in told)]
    assert lacking == list(OPTIONAL)
    assert len(told) == len(OPTIONAL_SCOPES)
    assert all(problem.optional for problem in told)
    tenant.set_scopes(*(set(ALL) - {"create:clients"}))
    (problem,) = load(tenant).check()
    assert not problem.optional
    assert "create:clients" in problem.detail


def test_revoking_without_permission_names_what_to_delete(tenant: Auth0Process) -> None:
    customer, request = new_customer(), new_request()
    created = issue(tenant, customer, new_email(), marker=request.marker)
    tenant.set_scopes(*TEN_SCOPES)
    key = KeyRef(request.marker, "", created.external_id)
    with pytest.raises(Misconfigured) as caught:
        load(tenant).revoke(customer, key)
    assert caught.value.code == "auth0_revoke_not_permitted"
    assert f"“Latchkey {request.marker}”" in caught.value.detail
    assert created.external_id in caught.value.detail
    tenant.set_scopes(*ALL)
    load(tenant).revoke(customer, key)
    assert created.external_id not in tenant.truth().alive["clients"]


def test_the_name_to_look_for_is_the_applications(tenant: Auth0Process) -> None:
    request = new_request()
    created = issue(tenant, new_customer(), new_email(), marker=request.marker)
    name = tenant.truth().alive["clients"][created.external_id]["name"]
    assert load(tenant).called(request.marker) == name


def test_listing_without_permission_says_so(tenant: Auth0Process) -> None:
    tenant.set_scopes(*TEN_SCOPES)
    with pytest.raises(MissingScope):
        list(load(tenant).list())


@pytest.mark.parametrize("point", [KillPoint.BEFORE_STORE, KillPoint.ANSWER_LOST, KillPoint.BEFORE_CREATE])
def test_an_application_that_may_be_there_is_named(tenant: Auth0Process, point: KillPoint) -> None:
    tenant.set_scopes(*TEN_SCOPES)
    lost = Interrupted(tenant, APPLICATION, point)
    stopped = lost.stops()
    assert stopped.code == "auth0_lookup_not_permitted"
    assert f"“{lost.name}”" in stopped.detail
    assert tenant.delete_client_named(lost.name) == (point is not KillPoint.BEFORE_CREATE)
    lost.confirm_absent()
    lost.again()


@pytest.mark.parametrize("step", [APPLICATION, GRANT])
def test_a_crash_after_an_answer_was_kept_needs_nobody(tenant: Auth0Process, step: int) -> None:
    tenant.set_scopes(*TEN_SCOPES)
    Interrupted(tenant, step, KillPoint.AFTER_STORE).again()


def test_a_grant_that_never_arrived_is_made_without_looking(tenant: Auth0Process) -> None:
    tenant.set_scopes(*TEN_SCOPES)
    Interrupted(tenant, GRANT, KillPoint.BEFORE_CREATE).again()


@pytest.mark.parametrize("point", [KillPoint.BEFORE_STORE, KillPoint.ANSWER_LOST])
def test_a_grant_that_may_not_be_looked_up_stops_naming_its_application(
    tenant: Auth0Process, point: KillPoint
) -> None:
    tenant.set_scopes(*TEN_SCOPES)
    lost = Interrupted(tenant, GRANT, point)
    for _ in range(2):
        stopped = lost.stops()
    assert stopped.code == "auth0_stray_application"
    assert f"“{lost.name}”" in stopped.detail
    assert len(lost.there) == 1
    assert tenant.delete_client_named(lost.name) == 1
    lost.confirm_absent()
    lost.again()


def test_granting_the_permission_is_enough_to_go_on(tenant: Auth0Process) -> None:
    tenant.set_scopes(*TEN_SCOPES)
    lost = Interrupted(tenant, GRANT, KillPoint.BEFORE_STORE)
    lost.stops()
    tenant.set_scopes(*TEN_SCOPES, "read:client_grants")
    lost.again()


def test_a_lost_secret_is_replaced(tenant: Auth0Process) -> None:
    tenant.set_scopes(*TEN_SCOPES, "read:clients", "update:client_keys")
    lost = Interrupted(tenant, APPLICATION, KillPoint.BEFORE_STORE)
    assert [lost.again()] == lost.there


def test_a_lost_secret_that_may_not_be_replaced_costs_the_application(tenant: Auth0Process) -> None:
    tenant.set_scopes(*TEN_SCOPES, "read:clients", "delete:clients")
    lost = Interrupted(tenant, APPLICATION, KillPoint.BEFORE_STORE)
    first = lost.there
    with pytest.raises(Transient) as caught:
        lost.again()
    assert caught.value.code == "auth0_secret_lost"
    assert lost.there == []
    assert lost.again() not in first


def test_a_lost_secret_with_no_way_out_stops_until_a_person_deleted_it(tenant: Auth0Process) -> None:
    tenant.set_scopes(*TEN_SCOPES, "read:clients")
    lost = Interrupted(tenant, APPLICATION, KillPoint.BEFORE_STORE)
    assert lost.stops().code == "auth0_stray_application"
    assert tenant.delete_client_named(lost.name) == 1
    with pytest.raises(Transient):  # it sees that it is gone
        lost.again()
    lost.again()


def test_an_application_deleted_while_its_secret_was_lost_is_made_anew(tenant: Auth0Process) -> None:
    lost = Interrupted(tenant, APPLICATION, KillPoint.BEFORE_STORE)
    calls = lost.ledger.calls(lost.customer, lost.request.marker, kill_at=KillPoint.AFTER_STORE, kill_call=4)
    with pytest.raises(Crash):  # found, not yet renewed
        load(tenant).create_api_key(lost.customer, lost.email, request=lost.request, calls=calls)
    tenant.delete_client_named(lost.name)
    with pytest.raises(Transient):
        lost.again()
    lost.again()
