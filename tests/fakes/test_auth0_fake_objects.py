"""What the fake tenant keeps: unique where Auth0 is, in pages, and gone with what it depends on."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from auth0.management.client import Auth0
from auth0.management.core.api_error import ApiError

from tests.fakes.auth0 import sdk
from tests.fakes.auth0.process import Auth0Process

pytestmark = pytest.mark.once
DATABASE = "Username-Password-Authentication"


def name() -> str:
    return f"x-{uuid4().hex[:12]}"


def user(api: Auth0, **members: Any) -> str:
    asked = {"connection": "email", "email": f"{name()}@example.com", "verify_email": False, **members}
    return str(api.users.create(**asked).user_id)


def test_an_organizations_name_is_its_own(api: Auth0) -> None:
    mine = name()
    made = api.organizations.create(name=mine, metadata={"customer": "c"})
    assert api.organizations.get_by_name(mine).metadata == {"customer": "c"}
    with pytest.raises(ApiError) as caught:
        api.organizations.create(name=mine)
    assert (caught.value.status_code, caught.value.body["errorCode"]) == (409, "organization_conflict")
    assert api.organizations.get(str(made.id)).name == mine


def test_an_e_mail_is_stored_in_lower_case_and_unique_within_its_connection(api: Auth0) -> None:
    mine = f"{name()}@Example.com"
    first = user(api, email=mine)
    with pytest.raises(ApiError) as caught:
        user(api, email=mine.lower())
    assert (caught.value.status_code, caught.value.body["errorCode"]) == (409, "auth0_idp_error")
    second = user(api, email=mine, connection=DATABASE, password="longenough")
    found = api.users.list_users_by_email(email=mine.lower())
    assert [found_user.user_id for found_user in found] == [first, second]
    assert api.users.list_users_by_email(email=mine) == []


def test_an_unknown_connection_is_refused(api: Auth0) -> None:
    with pytest.raises(ApiError) as caught:
        user(api, connection="ldap")
    assert (caught.value.status_code, caught.value.body["errorCode"]) == (400, "inexistent_connection")


def test_a_mail_goes_out_unless_it_was_declined(tenant: Auth0Process, api: Auth0) -> None:
    before = tenant.counts().get("mails_sent", 0)
    user(api)
    assert tenant.counts().get("mails_sent", 0) == before
    api.users.create(connection="email", email=f"{name()}@example.com")
    assert tenant.counts()["mails_sent"] == before + 1


def test_app_metadata_is_merged_by_its_first_level(api: Auth0) -> None:
    id = user(api, app_metadata={"a": {"x": 1}, "b": 2})
    assert api.users.update(id, app_metadata={"a": {"y": 1}, "c": 3}).app_metadata == {
        "a": {"y": 1}, "b": 2, "c": 3,
    }  # fmt: skip
    assert api.users.update(id, app_metadata={"b": None}).app_metadata == {"a": {"y": 1}, "c": 3}
    assert api.users.update(id, app_metadata={}).app_metadata == {}
    with pytest.raises(ApiError) as caught:
        api.users.update("auth0|none", app_metadata={})
    assert (caught.value.status_code, caught.value.body["errorCode"]) == (404, "inexistent_user")


def test_a_membership_is_made_once_and_for_those_who_exist(tenant: Auth0Process, api: Auth0) -> None:
    organization, id = str(api.organizations.create(name=name()).id), user(api)
    api.organizations.members.create(organization, members=[id])
    before = tenant.ledger.read_bytes()
    api.organizations.members.create(organization, members=[id])
    assert tenant.ledger.read_bytes() == before
    living = tenant.truth().alive["members"].values()
    assert [m for m in living if m["user"] == id] == [{"organization": organization, "user": id}]
    for there, who in ((organization, "auth0|none"), ("org_none", id)):
        with pytest.raises(ApiError) as caught:
            api.organizations.members.create(there, members=[who])
        assert caught.value.status_code == 404


def test_a_users_organizations_come_in_pages_whose_total_means_nothing(
    tenant: Auth0Process, api: Auth0
) -> None:
    id, mine = user(api), []
    for _ in range(3):
        mine.append(str(api.organizations.create(name=name()).id))
        api.organizations.members.create(mine[-1], members=[id])
    before = tenant.counts().get("GET users/*/organizations", 0)
    pager = api.users.organizations.list(id, per_page=2)
    assert pager.response is not None
    assert pager.response.total == 0
    assert [organization.id for organization in pager] == mine
    assert tenant.counts()["GET users/*/organizations"] == before + 3, "the SDK asks until a page is empty"


def test_lists_page_by_checkpoint_too(api: Auth0) -> None:
    mine = {name() for _ in range(3)}
    for one in mine:
        api.organizations.create(name=one)
    assert mine <= {organization.name for organization in api.organizations.list(take=2)}


def test_the_answer_of_a_plain_list_is_a_list(tenant: Auth0Process, api: Auth0) -> None:
    token = sdk.fetch_token(tenant).json()["access_token"]
    with sdk.trusting(tenant) as client:
        headers = {"Authorization": f"Bearer {token}"}
        answer: httpx.Response = client.get(
            f"{tenant.url}/api/v2/clients", params={"fields": "name", "page": 0}, headers=headers
        )
    assert all(set(one) <= {"name"} for one in answer.json())


def test_strangers_and_strays_are_told_apart_by_their_metadata(tenant: Auth0Process, api: Auth0) -> None:
    tenant.add_strangers(130)
    stray = tenant.add_stray("https://portal.example.com")
    tags = {id: thing["tags"] for _, id, thing in tenant.truth().credentials()}
    assert tags[stray] == {
        "portal": "https://portal.example.com", "key": "key_stray", "marker": "stray",
        "customer": "ext-stray",
    }  # fmt: skip
    assert sum(tag["marker"].startswith("stranger-") for tag in tags.values()) == 65
    listed = list(api.clients.list(app_type="non_interactive", per_page=100))
    assert len([one for one in listed if str(one.name).startswith("stranger ")]) == 130
    assert len({one.client_id for one in listed}) == len(listed)
    assert not [one for one in api.clients.list(app_type="spa") if str(one.name).startswith("stranger ")]
