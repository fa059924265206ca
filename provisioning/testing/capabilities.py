"""Rules about what a plugin may offer beyond the three verbs; what it does not offer is skipped."""

import pytest

from provisioning.contract import CreatedKey, Finds, KeyRef, KeyRequest, Lists, Revokes, Rotates
from provisioning.testing.hooks import PluginHooks, new_customer, new_request
from provisioning.testing.ledger import MemoryLedger


def reference(request: KeyRequest, created: CreatedKey) -> KeyRef:
    return KeyRef(marker=request.marker, key_id=request.key_id, external_id=created.external_id)


class CapabilityRules(PluginHooks):
    def test_revoking_twice_leaves_none_and_spares_the_others(self) -> None:
        plugin, request, ledger, customer = self.make_plugin(), new_request(), MemoryLedger(), new_customer()
        if not isinstance(plugin, Revokes):
            pytest.skip("this plugin has no revoke")
        created = self._issue(request, ledger, customer)
        other = self._issue(new_request(), ledger, customer)
        for _ in range(2):
            plugin.revoke(customer, reference(request, created))
        if not plugin.local:
            alive = self.credentials()
            assert created.external_id not in alive
            assert other.external_id in alive
            assert self.accepts(created.secret) is not True, "a revoked secret still works"

    def test_rotating_replaces_the_secret_of_the_same_credential(self) -> None:
        plugin, request, customer = self.make_plugin(), new_request(), new_customer()
        if not isinstance(plugin, Rotates):
            pytest.skip("this plugin has no rotate")
        created = self._issue(request, MemoryLedger(), customer)
        before = self.credentials()
        secret = plugin.rotate(customer, reference(request, created))
        assert secret != created.secret
        assert sorted(self.credentials()) == sorted(before)
        assert self.accepts(secret) is not False

    def test_find_knows_a_credential_by_its_marker(self) -> None:
        plugin, request, customer = self.make_plugin(), new_request(), new_customer()
        if not isinstance(plugin, Finds):
            pytest.skip("this plugin has no find")
        assert plugin.find(customer, request.marker) is None
        created = self._issue(request, MemoryLedger(), customer)
        found = plugin.find(customer, request.marker)
        assert found is not None
        assert found.id == created.external_id

    def test_list_names_marker_and_id_of_each_credential(self) -> None:
        plugin, request = self.make_plugin(), new_request()
        if not isinstance(plugin, Lists):
            pytest.skip("this plugin has no list")
        created = self._issue(request, MemoryLedger(), new_customer())
        listed = [(ref.marker, ref.external_id) for ref in plugin.list()]
        assert listed.count((request.marker, created.external_id)) == 1
