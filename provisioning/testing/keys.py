"""Rules about creating credentials: one a request, whatever crashes, as it was asked for."""

from contextlib import suppress
from datetime import timedelta

import pytest

from provisioning.errors import OutcomeUnknown
from provisioning.testing.hooks import EMAIL, PluginHooks, added, new_customer, new_email, new_request
from provisioning.testing.ledger import Crash, KillPoint, MemoryLedger


class KeyRules(PluginHooks):
    def test_repeating_a_request_creates_nothing_new(self) -> None:
        self._needs_provider()
        request, ledger, customer, before = new_request(), MemoryLedger(), new_customer(), self.credentials()
        self._issue(request, ledger, customer)
        again = self._issue(request, ledger, customer)
        assert added(before, self.credentials()) == [again.external_id]
        assert self.accepts(again.secret) is not False, "the repeated secret does not work"

    def test_two_requests_make_two_credentials(self) -> None:
        plugin, ledger, customer = self.make_plugin(), MemoryLedger(), new_customer()
        before = self._alive()
        first = self._issue(new_request(), ledger, customer)
        second = self._issue(new_request(), ledger, customer)
        assert first.external_id != second.external_id
        assert first.secret != second.secret
        if not plugin.local:
            assert added(before, self.credentials()) == sorted([first.external_id, second.external_id])

    @pytest.mark.parametrize("point", list(KillPoint), ids=lambda point: point.name.lower())
    def test_crash_leaves_exactly_one_credential(self, point: KillPoint) -> None:
        self._needs_provider()
        survived = 0
        while self._survives(point, survived):
            survived += 1
        assert survived, "nothing went through calls.ensure, so a crash would lose or double what was created"

    def test_crash_while_provisioning_leaves_one_user(self) -> None:
        self._needs_provider()
        if self.users() is None:
            pytest.skip("this provider has no users")
        for point in KillPoint:
            call = 0
            while self._provisions(point, call):
                call += 1
            assert call, "provision_user made nothing through calls.ensure"

    def test_requested_expiry_is_kept(self) -> None:
        ledger, customer, hour = MemoryLedger(), new_customer(), timedelta(hours=1)
        short = self._issue(new_request(expires_in=hour), ledger, customer)
        long = self._issue(new_request(expires_in=2 * hour), ledger, customer)
        if short.expires_at is None or long.expires_at is None:
            pytest.skip("this plugin reports no expiry")
        assert abs(long.expires_at - short.expires_at - hour) < timedelta(minutes=1)

    def test_requested_scopes_are_kept(self) -> None:
        wanted = self.scopes[:1]
        created = self._issue(new_request(scopes=wanted), MemoryLedger(), new_customer())
        granted = self.granted_scopes(created)
        if granted is None:
            pytest.skip("granted_scopes() can't tell")
        assert granted == frozenset(wanted)

    def _survives(self, point: KillPoint, call: int) -> bool:
        """Let one attempt's ``call`` go wrong at ``point``, repeat it; False when it has no such call."""
        request, ledger, customer = new_request(), MemoryLedger(), new_customer()
        keys, users = self.credentials(), self.users()
        calls = ledger.calls(customer, request.marker, kill_at=point, kill_call=call)
        with suppress(Crash, OutcomeUnknown):
            self.make_plugin().create_api_key(customer, EMAIL, request=request, calls=calls)
        if not calls.killed:
            return False
        created = self._issue(request, ledger, customer)
        assert added(keys, self.credentials()) == [created.external_id]
        assert users is None or len(added(users, self.users() or [])) <= 1
        assert created.secret, "the secret was lost in the crash and not replaced"
        assert self.accepts(created.secret) is not False, "the secret does not work after the crash"
        return True

    def _provisions(self, point: KillPoint, call: int) -> bool:
        """The same for ``provision_user``."""
        ledger, customer, before = MemoryLedger(), new_customer(), self.users() or []
        email = new_email()
        calls = ledger.calls(customer, "first", kill_at=point, kill_call=call)
        with suppress(Crash, OutcomeUnknown):
            self.make_plugin().provision_user(customer, email, None, calls=calls)
        if not calls.killed:
            return False
        again = ledger.calls(customer, "first")
        user = self.make_plugin().provision_user(customer, email, None, calls=again)
        assert added(before, self.users() or []) == [user.id]
        return True
