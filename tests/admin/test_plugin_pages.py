from collections.abc import Callable
from datetime import timedelta

import pytest

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.core.plugins import registry
from portal.jobs.reconcile import reconcile_plugin
from portal.models import AuditEvent, IssuedKey, Membership, PluginState
from portal.services.keys.request import request_key
from provisioning.errors import Transient
from tests.admin.conftest import Admin, text_of, work
from tests.provisioning.acme import AcmeProvider

pytestmark = pytest.mark.django_db
StaffWith = Callable[..., Admin]


@pytest.fixture
def drifted(owner: Membership, acme: AcmeProvider) -> PluginState:
    """One key is gone at the provider, and the provider has a credential of nobody's."""
    for name in ("gone", "alive"):
        request_key(SYSTEM, owner.customer_id, user=owner.user, name=name, plugin="acme")
        work()
    IssuedKey.objects.update(activated_at=now() - timedelta(hours=1))  # long enough to be listed there
    gone = IssuedKey.objects.get(name="gone")
    del acme.keys[gone.external_id]
    acme.new_key("nobody", "key-of-nobody", (), None)
    reconcile_plugin(registry().get("acme"), repair=False)
    return PluginState.objects.get(plugin="acme")


def test_what_differs_is_shown_with_its_key(admin: Admin, drifted: PluginState) -> None:
    gone = IssuedKey.objects.get(name="gone")
    page = admin.get(f"portal/pluginstate/{drifted.pk}/change/")
    told = text_of(page)
    assert f"Missing {gone.public_id} {gone.external_id} It is gone at the provider." in told
    assert "Orphaned" in told
    assert f'href="/admin/portal/issuedkey/{gone.pk}/change/"' in page.content.decode()
    assert "2 differences" in text_of(admin.get("portal/pluginstate/"))


def test_repairing_asks_repairs_and_is_audited(
    admin: Admin, drifted: PluginState, acme: AcmeProvider
) -> None:
    path = f"portal/pluginstate/{drifted.pk}/act/repair/"
    assert "deleted at the provider, for good" in text_of(admin.get(path))
    assert len(acme.keys) == 2
    assert "nothing differs any more" in text_of(admin.act("pluginstate", drifted, "repair"))
    assert [key.marker for key in acme.keys.values()] == [IssuedKey.objects.get(name="alive").marker]
    assert IssuedKey.objects.get(name="gone").status == "revoking", "a worker makes sure"
    event = AuditEvent.objects.get(action="plugin.repaired")
    assert (event.actor, event.object) == (f"user {admin.user.public_id}", "acme")
    assert event.detail == {"differences": 2}


def test_a_provider_that_does_not_answer_is_told(
    admin: Admin, drifted: PluginState, acme: AcmeProvider
) -> None:
    with acme.failing(Transient("busy", "Acme is busy.")):
        told = text_of(admin.act("pluginstate", drifted, "repair"))
    assert "Acme is busy. What was repaired before stays so." in told


def test_only_those_who_may_revoke_repair(staff_with: StaffWith, drifted: PluginState) -> None:
    clerk = staff_with("view_customer")
    page = clerk.get(f"portal/pluginstate/{drifted.pk}/change/")
    assert page.status_code == 200
    assert "act/repair" not in page.content.decode()
    assert clerk.post(f"portal/pluginstate/{drifted.pk}/act/repair/", confirmed="repair").status_code == 403
    assert staff_with("view_plan").get("portal/pluginstate/").status_code == 403


def test_a_plugin_no_longer_enabled_says_so(admin: Admin, db: None) -> None:
    state = PluginState.objects.create(plugin="left", checked_at=now())
    assert "Not enabled" in text_of(admin.get("portal/pluginstate/"))
    assert "Not in PLUGIN_APIM_PROVIDER" not in text_of(admin.get(f"portal/pluginstate/{state.pk}/change/"))


def looked_at(*problems: tuple[str, str, bool]) -> PluginState:
    stored = [{"code": code, "detail": detail, "optional": optional} for code, detail, optional in problems]
    return PluginState.objects.create(plugin="jwt", checked_at=now(), problems=stored)


def test_every_problem_is_on_its_page_with_code_and_words(admin: Admin) -> None:
    problems = [("auth0_scope_missing", f"Without the permission x{number}.", False) for number in range(9)]
    state = looked_at(*problems, ("auth0_scope_missing", "Without read:clients nothing compares.", True))
    told = text_of(admin.get(f"portal/pluginstate/{state.pk}/change/"))
    assert "State: 9 problems" in told
    for _, detail, _ in problems:
        assert f"auth0_scope_missing {detail}" in told
    could = told.partition("Could do more")[2]
    assert "What is limited: auth0_scope_missing Without read:clients nothing compares." in could
    assert "permission x" not in could


def test_a_plugin_that_could_do_more_is_healthy(admin: Admin) -> None:
    state = looked_at(("auth0_scope_missing", "Without read:clients nothing compares.", True))
    for path in ("", "portal/pluginstate/", f"portal/pluginstate/{state.pk}/change/"):
        page = admin.get(path)
        assert '<span class="pill pill-good">Healthy, limited</span>' in page.content.decode()
        assert "1 problem" not in text_of(page)
    told = text_of(admin.get(f"portal/pluginstate/{state.pk}/change/"))
    assert "What to do: Nothing" in told
    assert "What is wrong" not in told


def test_a_healthy_plugin_lists_no_problems(admin: Admin) -> None:
    told = text_of(admin.get(f"portal/pluginstate/{looked_at().pk}/change/"))
    assert "State: Healthy What" in told
    assert "Could do more" not in told
