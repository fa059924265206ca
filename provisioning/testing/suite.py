"""The contract as tests: subclass ``PluginContract``, say how to make the plugin, run pytest."""

from provisioning.contract import CONTRACT_VERSION, SLUG
from provisioning.testing.capabilities import CapabilityRules
from provisioning.testing.hooks import EMAIL, added, new_customer, new_email, new_request
from provisioning.testing.keys import KeyRules
from provisioning.testing.ledger import MemoryLedger
from provisioning.testing.secrecy import SecrecyRules


class PluginContract(KeyRules, SecrecyRules, CapabilityRules):
    """The rules of contract.py, one test each; ``PluginHooks`` says what a subclass supplies.

    pytest makes a new object for each test: make a fresh provider in ``setup_method``, and let every
    ``make_plugin()`` of that test reach it.
    """

    def test_slug_is_lower_case_words_joined_by_hyphens(self) -> None:
        assert SLUG.fullmatch(self.make_plugin().slug)

    def test_plugin_names_this_contract_version(self) -> None:
        assert self.make_plugin().contract_version == CONTRACT_VERSION

    def test_provisioning_a_user_twice_gives_the_same_user(self) -> None:
        plugin, customer, ledger = self.make_plugin(), new_customer(), MemoryLedger()
        email = new_email()
        before = [] if plugin.local else self.users()
        if not plugin.local and before is not None:
            assert plugin.get_user(customer, email) is None
        first = plugin.provision_user(customer, email, None, calls=ledger.calls(customer, "first"))
        second = self.make_plugin().provision_user(
            customer, email, "sub-1", calls=ledger.calls(customer, "second")
        )
        assert first.id == second.id
        assert plugin.get_user(customer, email) == second
        if not plugin.local and before is not None:
            assert added(before, self.users() or []) == [first.id], "the user is there more than once"

    def test_customers_with_similar_emails_share_nothing(self) -> None:
        plugin, ledger = self.make_plugin(), MemoryLedger()
        one = new_customer()
        other = one.replace("-", "_")
        # Names that become the same once a plugin replaces what a provider's names don't allow.
        similar = ("ann-smith@example.com", "ann+smith@example.com")
        people = [(one, EMAIL), *((one, email) for email in similar), (other, EMAIL)]
        users = [
            plugin.provision_user(customer, email, None, calls=ledger.calls(customer, email))
            for customer, email in people
        ]
        assert len({(user.id, user.organization_id) for user in users}) == len(people), "people were merged"
        keys = [self._issue(new_request(), ledger, customer, email) for customer, email in people]
        assert len({key.external_id for key in keys}) == len({key.secret for key in keys}) == len(people)
