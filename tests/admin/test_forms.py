from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission

from portal.models import AuditEvent, Customer, IssuedKey, Membership, Plan, Subscription, User
from tests.admin.conftest import Admin, text_of
from tests.factories import CustomerFactory, MembershipFactory, PlanFactory, SubscriptionFactory, UserFactory

pytestmark = pytest.mark.django_db
StaffWith = Callable[..., Admin]


def events_by(admin: Admin) -> list[tuple[str, str]]:
    found = AuditEvent.objects.filter(actor=f"user {admin.user.public_id}").order_by("id")
    return list(found.values_list("action", "object"))


def members_of(customer: Customer, **changes: dict[str, Any]) -> dict[str, Any]:
    """The rows of the members' table, as its form sends them; ``changes`` by role."""
    rows = list(Membership.objects.filter(customer=customer).order_by("id"))
    sent: dict[str, Any] = {"memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": len(rows)}
    for number, row in enumerate(rows):
        values = {"id": row.pk, "customer": customer.pk, "role": row.role, **changes.get(f"row{number}", {})}
        sent |= {f"memberships-{number}-{name}": value for name, value in values.items()}
    return sent


def test_a_customers_external_id_is_its_own_when_not_given(admin: Admin) -> None:
    admin.post("portal/customer/add/", name="Acme", email="", external_id="", status="active")
    customer = Customer.objects.get()
    assert customer.external_id == customer.public_id
    assert events_by(admin) == [("customer.created", customer.public_id)]
    assert not LogEntry.objects.exists()


def test_a_refusal_of_the_service_stands_at_the_field(admin: Admin) -> None:
    answer = admin.post("portal/customer/add/", name="Acme", external_id="cus_other", status="active")
    assert answer.status_code == 200
    assert "Must not start with cus_" in text_of(answer)
    assert not Customer.objects.exists()
    assert events_by(admin) == []


def test_a_customer_is_changed(admin: Admin) -> None:
    customer = CustomerFactory(name="Old")
    values = {"name": "New", "email": "", "external_id": customer.external_id, **members_of(customer)}
    assert admin.post(f"portal/customer/{customer.pk}/change/", **values).status_code == 302
    customer.refresh_from_db()
    assert customer.name == "New"
    assert events_by(admin) == [("customer.changed", customer.public_id)]


def test_external_id_is_fixed_once_a_key_exists(admin: Admin, issued: IssuedKey) -> None:
    customer = issued.customer
    values = {"name": customer.name, "external_id": "another", **members_of(customer)}
    admin.post(f"portal/customer/{customer.pk}/change/", **values)
    former, customer = customer.external_id, Customer.objects.get()
    assert customer.external_id == former


def test_roles_and_members_change_by_the_service(admin: Admin, owner: Membership) -> None:
    other = MembershipFactory(customer=owner.customer, role="viewer")
    leaving = MembershipFactory(customer=owner.customer, role="viewer")
    rows = members_of(owner.customer, row1={"role": "admin"}, row2={"DELETE": "on"})
    values = {"name": owner.customer.name, "external_id": owner.customer.external_id, **rows}
    admin.post(f"portal/customer/{owner.customer_id}/change/", **values)
    assert dict(Membership.objects.values_list("pk", "role")) == {owner.pk: "owner", other.pk: "admin"}
    assert events_by(admin) == [
        ("member.changed", other.user.public_id),
        ("member.removed", leaving.user.public_id),
    ]


def test_the_last_owner_stays_and_the_form_says_why(admin: Admin, owner: Membership) -> None:
    rows = members_of(owner.customer, row0={"role": "viewer"})
    values = {"name": "Renamed", "external_id": owner.customer.external_id, **rows}
    answer = admin.post(f"portal/customer/{owner.customer_id}/change/", **values)
    assert answer.status_code == 200
    assert "A customer needs an owner" in text_of(answer)
    owner.refresh_from_db()
    assert owner.role == "owner"
    assert Customer.objects.get().name != "Renamed", "the refusal rolls all of it back"


def test_a_membership_is_added_and_not_twice(admin: Admin) -> None:
    customer, user = CustomerFactory(), UserFactory()
    values = {"customer": customer.pk, "user": user.pk, "role": "admin"}
    admin.post("portal/membership/add/", **values)
    assert Membership.objects.get().role == "admin"
    assert admin.post("portal/membership/add/", **values).status_code == 200
    assert Membership.objects.count() == 1


def test_a_plan_is_made_and_changed(admin: Admin) -> None:
    values = {
        "name": "Pro",
        "slug": "pro",
        "max_keys": "5",
        "max_lifetime": "90d",
        "scopes": "a:read, a:write a:read",
    }
    admin.post("portal/plan/add/", **values)
    plan = Plan.objects.get(slug="pro")
    assert (plan.scopes, plan.plugins, plan.max_keys) == (["a:read", "a:write"], [], 5)
    admin.post(f"portal/plan/{plan.pk}/change/", **{**values, "max_keys": "", "plugins": ["jwt"]})
    plan.refresh_from_db()
    assert (plan.max_keys, plan.plugins) == (None, ["jwt"])
    assert events_by(admin) == [("plan.created", "plan_pro"), ("plan.changed", "plan_pro")]


def test_a_plans_bad_values_are_refused_at_their_fields(admin: Admin) -> None:
    plan = PlanFactory()
    answer = admin.post(f"portal/plan/{plan.pk}/change/", name="x", max_lifetime="soon")
    assert "Must be a duration" in text_of(answer)
    answer = admin.post(f"portal/plan/{plan.pk}/change/", name="x", scopes='a"b')
    assert "visible ASCII" in text_of(answer)


def test_a_subscription_is_made_and_changed_but_not_cancelled_in_passing(admin: Admin) -> None:
    customer, plan = CustomerFactory(), PlanFactory()
    admin.post(
        "portal/subscription/add/", customer=customer.pk, plan=plan.pk, external_id="sub_1", status="trialing"
    )
    subscription = Subscription.objects.get()
    page = f"portal/subscription/{subscription.pk}/change/"
    admin.post(page, plan=plan.pk, external_id="sub_1", status="active")
    subscription.refresh_from_db()
    assert subscription.status == "active"
    assert admin.post(page, plan=plan.pk, external_id="sub_1", status="cancelled").status_code == 200
    subscription.refresh_from_db()
    assert subscription.status == "active"
    SubscriptionFactory(external_id="sub_2")
    refused = admin.post(page, plan=plan.pk, external_id="sub_2", status="active")
    assert refused.status_code == 200


def test_a_user_is_made_without_a_password(admin: Admin) -> None:
    admin.post("portal/user/add/", email="Ada@Acme.example", name="Ada")
    user = User.objects.get(email="ada@acme.example")
    assert not user.has_usable_password()
    assert not user.is_staff
    assert events_by(admin) == [("user.created", user.public_id)]


def test_a_user_is_deactivated_and_never_deleted(admin: Admin) -> None:
    user = UserFactory()
    admin.post(f"portal/user/{user.pk}/change/", name="Ada")
    user.refresh_from_db()
    assert (user.is_active, user.name) == (False, "Ada")
    assert events_by(admin) == [("user.changed", user.public_id)]


def test_nobody_shuts_themselves_out(admin: Admin) -> None:
    answer = admin.post(f"portal/user/{admin.user.pk}/change/", name="", is_staff="on", is_superuser="on")
    assert "You can't shut yourself out" in text_of(answer)
    admin.user.refresh_from_db()
    assert admin.user.is_active


def test_only_superusers_make_staff(staff_with: StaffWith, staff: User) -> None:
    clerk, user = staff_with("view_user", "add_user", "change_user"), UserFactory()
    clerk.post("portal/user/add/", email="new@acme.example", is_staff="on", is_superuser="on")
    assert not User.objects.get(email="new@acme.example").is_staff
    clerk.post(f"portal/user/{user.pk}/change/", name="x", is_active="on", is_staff="on", is_superuser="on")
    user.refresh_from_db()
    assert (user.name, user.is_staff, user.is_superuser) == ("x", False, False)
    assert clerk.post(f"portal/user/{staff.pk}/change/", name="x").status_code == 403
    assert clerk.post(f"portal/user/{clerk.user.pk}/change/", name="x").status_code == 403


def test_a_group_of_staff_holds_permissions_that_count(admin: Admin) -> None:
    wanted = Permission.objects.filter(codename__in=["view_customer", "issue_issuedkey"])
    admin.post("auth/group/add/", name="Support", permissions=[permission.pk for permission in wanted])
    group = Group.objects.get()
    assert set(group.permissions.all()) == set(wanted)
    assert events_by(admin) == [("staff_group.changed", f"grp_{group.pk}")]
    user = UserFactory(is_staff=True)
    admin.post(f"portal/user/{user.pk}/change/", name="", is_active="on", is_staff="on", groups=[group.pk])
    assert User.objects.get(pk=user.pk).has_perm("portal.issue_issuedkey")


def test_groups_are_for_superusers(staff_with: StaffWith) -> None:
    clerk = staff_with("view_user", "change_user")
    assert clerk.get("auth/group/").status_code == 403
    assert clerk.post("auth/group/add/", name="x").status_code == 403


def test_history_is_the_audit_log(admin: Admin) -> None:
    admin.post("portal/customer/add/", name="Acme", external_id="acme", status="active")
    customer = Customer.objects.get()
    told = text_of(admin.get(f"portal/customer/{customer.pk}/history/"))
    assert "customer.created" in told
    assert admin.user.email in told
