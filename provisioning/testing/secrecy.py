"""Rules about what is shown: errors are ours, and no secret stands in a value, a log or a message."""

import logging
from collections.abc import Iterable, Iterator

import pytest

from provisioning.contract import Checks, Finds, Lists, Revokes, Rotates
from provisioning.errors import ProvisioningError
from provisioning.testing.capabilities import reference
from provisioning.testing.hooks import EMAIL, PluginHooks, added, new_customer, new_request
from provisioning.testing.ledger import MemoryLedger


class SecrecyRules(PluginHooks):
    def test_faults_raise_our_errors_and_show_no_secret(self) -> None:
        faults = self.faults()
        if not faults:
            pytest.skip("faults() gives none")
        for name, fault in faults.items():
            request, ledger, customer, before = new_request(), MemoryLedger(), new_customer(), self._alive()
            with fault, pytest.raises(ProvisioningError) as caught:
                self._issue(request, ledger, customer)
            self._assert_hidden(_exception_texts(caught.value), [EMAIL], f"the error of fault {name}")
            created = self._issue(request, ledger, customer)
            if not self.make_plugin().local:
                assert added(before, self.credentials()) == [created.external_id], f"after fault {name}"

    def test_secrets_are_never_shown(
        self, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        plugin, request, customer = self.make_plugin(), new_request(), new_customer()
        ledger = MemoryLedger()
        user = plugin.provision_user(customer, EMAIL, None, calls=ledger.calls(customer, "user"))
        created = plugin.create_api_key(
            customer, EMAIL, request=request, calls=ledger.calls(customer, request.marker)
        )
        ref = reference(request, created)
        shown: list[object] = [plugin, *getattr(plugin, "__dict__", {}).values(), user, created]
        shown.append(plugin.get_user(customer, EMAIL))
        if isinstance(plugin, Finds):
            shown.append(plugin.find(customer, request.marker))
        if isinstance(plugin, Lists):
            shown.extend(plugin.list())
        if isinstance(plugin, Checks):
            shown.extend(plugin.check())
        later = plugin.rotate(customer, ref) if isinstance(plugin, Rotates) else created.secret
        if isinstance(plugin, Revokes):
            plugin.revoke(customer, ref)
        hidden = [created.secret.reveal(), later.reveal()]
        self._assert_hidden(_forms(shown), hidden, "the repr or str of a value")
        self._assert_hidden(
            [*_log_texts(caplog.records), *capsys.readouterr()], hidden, "a log or the output"
        )

    def _assert_hidden(self, texts: Iterable[str], hidden: list[str], where: str) -> None:
        """Fail without repeating the secret in the failure itself."""
        __tracebackhide__ = True
        secrets = [*hidden, *self.secrets()]
        if any(secret in text for text in texts for secret in secrets if secret):
            pytest.fail(f"a secret or an e-mail address is shown in {where}", pytrace=False)


def _forms(values: Iterable[object]) -> list[str]:
    return [form for value in values for form in (repr(value), str(value), f"{value}")]


def _log_texts(records: Iterable[logging.LogRecord]) -> list[str]:
    """Messages and also arguments and extras, which a structured formatter would write out."""
    return [text for record in records for text in (record.getMessage(), repr(vars(record)))]


def _exception_texts(exc: BaseException | None) -> Iterator[str]:
    """The exception and all that a traceback would show with it."""
    while exc is not None:
        yield f"{exc!r} {exc} {vars(exc)!r} {getattr(exc, '__notes__', '')}"
        exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
