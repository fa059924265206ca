import re
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.models import (
    AuditEvent,
    Customer,
    IssuedKey,
    ManagementToken,
    Membership,
    Operation,
    PhoneToken,
    Plan,
    PlanRequest,
    PluginState,
    SigningKey,
    Subscription,
    User,
)
from portal.services.access_tokens import create_access_token
from portal.services.phone_tokens import show_numbers
from tests.admin.conftest import Admin, make_key, text_of
from tests.factories import (
    MembershipFactory,
    PhoneTokenFactory,
    PlanFactory,
    SubscriptionFactory,
    UserFactory,
)  # fmt: skip

pytestmark = pytest.mark.django_db

LISTS = [
    "portal/customer", "portal/user", "portal/membership", "portal/plan", "portal/subscription",
    "portal/planrequest", "portal/issuedkey", "portal/operation", "portal/signingkey",
    "portal/managementtoken", "portal/phonetoken", "portal/pluginstate", "portal/auditevent", "auth/group",
]  # fmt: skip
ADDABLE = ["customer", "user", "membership", "plan", "subscription", "managementtoken"]
READ_ONLY = ["issuedkey", "operation", "signingkey", "phonetoken", "auditevent"]
LIST_QUERIES = 12
"""Session, user, count, rows and what they show at once; never one a row."""
MORE_QUERIES = {"portal/auditevent": 14}
"""The audit log looks up what its entries name: one query for each kind of object."""


def fill(rows: int) -> None:
    """A few of everything."""
    for _ in range(rows):
        owner = MembershipFactory()
        SubscriptionFactory(customer=owner.customer, plan=PlanFactory())
        make_key(owner)
        PlanRequest.objects.create(customer=owner.customer, plan=PlanFactory(), asked_by=owner.user)
        show_numbers(_everything(), [PhoneTokenFactory()])
        create_access_token(
            _everything(), owner=UserFactory(is_staff=True, is_superuser=True), scopes=["keys:read"]
        )
    PluginState.objects.get_or_create(plugin="jwt")
    Group.objects.create(name=f"Support {rows}")


def _everything() -> Any:
    from portal.core.actor import SYSTEM

    return SYSTEM


def check_page(answer: Any) -> None:
    assert answer.status_code == 200
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    page = answer.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert "onclick=" not in page


def test_the_overview_is_shown(admin: Admin, issued: IssuedKey) -> None:
    answer = admin.get("")
    check_page(answer)
    told = text_of(answer)
    assert "Active keys 1" in told
    assert "May be activated in" in told


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_shown(admin: Admin, path: str) -> None:
    check_page(admin.get(f"{path}/"))
    fill(2)
    check_page(admin.get(f"{path}/"))


@pytest.mark.parametrize("path", LISTS)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(admin: Admin, path: str) -> None:
    counted = []
    for rows in (1, 4):
        fill(rows)
        admin.get(f"{path}/")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            admin.get(f"{path}/")
        counted.append(len(queries))
    assert counted[0] == counted[1]
    assert counted[1] <= MORE_QUERIES.get(path, LIST_QUERIES)


@pytest.mark.parametrize("path", LISTS)
def test_no_list_counts_a_whole_table(admin: Admin, path: str) -> None:
    fill(1)
    with CaptureQueriesContext(connection) as queries:
        admin.get(f"{path}/")
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert all(re.search(r"LIMIT (2001|10001)\b", sql) for sql in counts)
    assert not [
        query["sql"] for query in queries if "DISTINCT" in query["sql"] and "permission" not in query["sql"]
    ]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "term", ["acme", "cus_x", "key_x", "op_x", "tok_x", "usr_x", "a@b.example", "%", "\x00'"]
)
def test_search_uses_no_substring_match(admin: Admin, path: str, term: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        answer = admin.get(f"{path}/", q=term)
    assert answer.status_code == 200
    assert not [query["sql"] for query in queries if "LIKE '%" in query["sql"].replace("LIKE '\\%", "")]


def test_a_customer_is_found_by_the_beginning_of_its_name(admin: Admin) -> None:
    from tests.factories import CustomerFactory

    CustomerFactory(name="Acme Logistics")
    CustomerFactory(name="Globex")
    told = text_of(admin.get("portal/customer/", q="acme log"))
    assert "Acme Logistics" in told
    assert "Globex" not in told


def test_keys_are_found_by_customer_and_by_user(admin: Admin, issued: IssuedKey) -> None:
    assert issued.user is not None
    for term in (issued.public_id, issued.customer.public_id, issued.customer.name, issued.user.email[:8]):
        assert issued.public_id in text_of(admin.get("portal/issuedkey/", q=term)), term


@pytest.mark.parametrize("model", ADDABLE)
def test_every_add_page_is_shown(admin: Admin, model: str) -> None:
    check_page(admin.get(f"portal/{model}/add/"))


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_services_write_cannot_be_added_or_changed(admin: Admin, issued: IssuedKey, model: str) -> None:
    PhoneTokenFactory()
    found = django_admin.site._registry
    row = next(kind for kind in found if kind._meta.model_name == model)._default_manager.first()
    assert admin.get(f"portal/{model}/add/").status_code == 403
    assert admin.post(f"portal/{model}/{row.pk}/change/", name="changed").status_code == 403
    assert admin.post(f"portal/{model}/{row.pk}/delete/", post="yes").status_code == 403


@pytest.mark.parametrize(
    "kind",
    [
        Customer,
        User,
        Membership,
        Plan,
        Subscription,
        IssuedKey,
        Operation,
        SigningKey,
        ManagementToken,
        PhoneToken,
        AuditEvent,
        PluginState,
        Group,
    ],
)
def test_every_page_of_an_object_and_its_history_is_shown(admin: Admin, kind: Any) -> None:
    fill(1)
    row = kind._default_manager.order_by("-pk").first()
    base = f"{kind._meta.app_label}/{kind._meta.model_name}/{row.pk}"
    check_page(admin.get(f"{base}/change/"))
    check_page(admin.get(f"{base}/history/"))
    assert admin.post(f"{base}/delete/", post="yes").status_code == 403
    assert kind._default_manager.filter(pk=row.pk).exists()


def test_pages_hold_nothing_that_is_kept_secret(admin: Admin, issued: IssuedKey) -> None:
    signing = SigningKey.objects.get(state="active")
    assert issued.user is not None
    token, text = create_access_token(_everything(), owner=admin.user, scopes=["keys:read"])
    pages = [
        admin.get(f"portal/issuedkey/{issued.pk}/change/"),
        admin.get(f"portal/signingkey/{signing.pk}/change/"),
        admin.get(f"portal/managementtoken/{token.pk}/change/"),
        admin.get(f"portal/user/{issued.user.pk}/change/"),
    ]
    hidden = [
        issued.sealed_secret, issued.fingerprint, signing.sealed_private, token.digest, text.reveal(),
        issued.user.password,
    ]  # fmt: skip
    for page in pages:
        assert page.status_code == 200
        assert not [secret for secret in hidden if secret and secret in page.content.decode()]


def test_libraries_bring_no_pages_of_their_own() -> None:
    from portal.admin.base import PortalModelAdmin

    assert all(isinstance(page, PortalModelAdmin) for page in django_admin.site._registry.values())


def test_autocomplete_names_people_by_address(admin: Admin, owner: Membership) -> None:
    asked = {
        "app_label": "portal",
        "model_name": "membership",
        "field_name": "user",
        "term": owner.user.email[:6],
    }
    answer = admin.get("autocomplete/", **asked)
    assert owner.user.email in answer.content.decode()


def test_customers_are_nobodys_pages(owner: Membership) -> None:
    assert Admin(owner.user).get("portal/customer/").status_code == 302


def test_staff_without_permissions_see_nothing(staff_with: Any, issued: IssuedKey) -> None:
    nobody = staff_with()
    answer = nobody.get("")
    check_page(answer)
    assert "Active keys" not in text_of(answer)
    for path in LISTS:
        assert nobody.get(f"{path}/").status_code == 403
    assert nobody.get(f"portal/issuedkey/{issued.pk}/history/").status_code == 403
