import pytest

from portal.models import Membership
from tests.conftest import Api
from tests.factories import PlanFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db


def test_a_plan_says_what_its_customers_read_of_it(api: Api) -> None:
    made = api.post(
        "/plans", {"slug": "pro", "name": "Pro", "description": "For production.", "listed": False}
    )
    assert made.status_code == 201
    assert (made.json()["description"], made.json()["listed"]) == ("For production.", False)
    changed = api("PATCH", "/plans/pro", {"description": "", "listed": True})
    assert (changed.json()["description"], changed.json()["listed"]) == ("", True)


def test_a_plan_is_in_the_catalogue_unless_told_otherwise(api: Api) -> None:
    made = api.post("/plans", {"slug": "pro", "name": "Pro"}).json()
    assert (made["description"], made["listed"]) == ("", True)


@pytest.mark.parametrize("wrong", [{"description": "x" * 301}, {"description": 1}, {"listed": "yes"}])
def test_other_types_and_lengths_are_refused(api: Api, wrong: dict[str, object]) -> None:
    assert api.post("/plans", {"slug": "pro", "name": "Pro", **wrong}).status_code == 422


def test_customers_see_the_catalogue_and_their_own_plan(bound_api: Api, owner: Membership, api: Api) -> None:
    PlanFactory(slug="public")
    PlanFactory(slug="of-another", listed=False)
    SubscriptionFactory(customer=owner.customer, plan=PlanFactory(slug="of-theirs", listed=False))
    seen = {plan["slug"] for plan in bound_api.get("/plans").json()["results"]}
    assert seen == {"public", "of-theirs", "default"}
    assert bound_api.get("/plans/of-another").status_code == 404
    assert api.get("/plans/of-another").status_code == 200
