"""The suite passes a plugin that keeps the rules, and fails each of those that break one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from provisioning.contract import Calls, CreatedKey, KeyRef, KeyRequest, RemoteUser, Resource
from provisioning.errors import OutcomeUnknown
from provisioning.secret import Secret
from provisioning.testing import KillPoint
from tests.provisioning.acme import AcmeKey, AcmePlugin
from tests.provisioning.testing.suites import AcmeSuite


class TestAcme(AcmeSuite):
    """The control: with nothing broken, every rule holds."""


class UpperCaseSlug(AcmePlugin):
    slug: ClassVar[str] = "Acme_Keys"


class NextContract(AcmePlugin):
    contract_version: ClassVar[int] = 2


class PastTheLedger(AcmePlugin):
    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        key = self._remote_key(customer_id, request)
        return CreatedKey(Secret(key.secret), key.id)


class NoLedger(PastTheLedger):
    def provision_user(
        self, customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        user = self._remote_user(customer_id, email)
        return RemoteUser(user.id, email, customer_id)


class NoFind(AcmePlugin):
    """Creates blindly: what a crash left behind can't be found."""

    def find(self, customer_id: str, marker: str) -> Resource | None:
        return None


class LosesSecret(AcmePlugin):
    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        def create() -> Resource:
            key = self._remote_key(customer_id, request)
            return Resource(key.id, Secret(key.secret))

        resource = calls.ensure("key", create=create, find=lambda: self.find(customer_id, request.marker))
        return CreatedKey(resource.secret or Secret("lost"), resource.id)


class UserPerRequest(AcmePlugin):
    def provision_user(
        self, customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        user = calls.ensure("user", create=lambda: Resource(self.provider.new_user(customer_id, email)))
        return RemoteUser(user.id, email, customer_id)


class NoUserFind(AcmePlugin):
    def get_user(self, customer_id: str, email: str) -> RemoteUser | None:
        return None


class MergesPeople(AcmePlugin):
    def provision_user(
        self, customer_id: str, email: str, subscription_id: str | None, *, calls: Calls
    ) -> RemoteUser:
        plain = email.replace("+", "-").replace(".", "-")
        return super().provision_user(customer_id, plain, subscription_id, calls=calls)


class OneKeyForAll(AcmePlugin):
    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        for key in self.provider.keys.values():
            if key.customer == customer_id:
                return CreatedKey(Secret(key.secret), key.id)
        return super().create_api_key(customer_id, email, request=request, calls=calls)


class IgnoresExpiry(AcmePlugin):
    def _remote_key(self, customer_id: str, request: KeyRequest) -> AcmeKey:
        key = super()._remote_key(customer_id, request)
        key.expires_at = key.expires_at and key.expires_at.replace(hour=0)
        return key


class IgnoresScopes(AcmePlugin):
    def _remote_key(self, customer_id: str, request: KeyRequest) -> AcmeKey:
        return super()._remote_key(customer_id, replace(request, scopes=("orders:read", "orders:write")))


class ForeignError(AcmePlugin):
    @contextmanager
    def _edge(self) -> Iterator[None]:
        yield


class QuotesTheProvider(AcmePlugin):
    @contextmanager
    def _edge(self) -> Iterator[None]:
        try:
            yield
        except ConnectionError as exc:
            raise OutcomeUnknown("acme_failed", str(exc)) from None


class ChainsTheProvider(AcmePlugin):
    @contextmanager
    def _edge(self) -> Iterator[None]:
        try:
            yield
        except ConnectionError as exc:
            raise OutcomeUnknown("acme_failed") from exc


class PlainToken(AcmePlugin):
    def __init__(self, token: Secret) -> None:
        super().__init__(token)
        self.header = f"Bearer {token.reveal()}"


class LogsSecret(AcmePlugin):
    def _remote_key(self, customer_id: str, request: KeyRequest) -> AcmeKey:
        key = super()._remote_key(customer_id, request)
        logging.getLogger("acme").debug("created", extra={"answer": key.secret})
        return key


class PrintsSecret(AcmePlugin):
    def rotate(self, customer_id: str, key: KeyRef) -> Secret:
        secret = super().rotate(customer_id, key)
        print(secret.reveal())
        return secret


class PublishesSecret(AcmePlugin):
    def create_api_key(
        self, customer_id: str, email: str, *, request: KeyRequest, calls: Calls
    ) -> CreatedKey:
        key = super().create_api_key(customer_id, email, request=request, calls=calls)
        return replace(key, public={"url": f"https://acme.example/?key={key.secret.reveal()}"})


class RevokesNothing(AcmePlugin):
    def revoke(self, customer_id: str, key: KeyRef) -> None:
        pass


class RevokesOnce(AcmePlugin):
    def revoke(self, customer_id: str, key: KeyRef) -> None:
        del self.provider.keys[key.external_id]


class RevokesAll(AcmePlugin):
    def revoke(self, customer_id: str, key: KeyRef) -> None:
        self.provider.keys.clear()


class RotatesNothing(AcmePlugin):
    def rotate(self, customer_id: str, key: KeyRef) -> Secret:
        return Secret(self.provider.keys[key.external_id].secret)


class RotatesByReplacing(AcmePlugin):
    def rotate(self, customer_id: str, key: KeyRef) -> Secret:
        return Secret(self.provider.new_key(customer_id, key.marker, (), None).secret)


class FindsAnything(AcmePlugin):
    def find(self, customer_id: str, marker: str) -> Resource | None:
        return Resource("k1")


class ListsNoMarkers(AcmePlugin):
    def list(self) -> Iterator[KeyRef]:
        return (replace(ref, marker="") for ref in super().list())


@dataclass(frozen=True)
class Broken:
    plugin: type[AcmePlugin]
    rule: str
    error: type[BaseException] = AssertionError
    point: KillPoint | None = None


USERS = "test_crash_while_provisioning_leaves_one_user"
FAILED = pytest.fail.Exception
TWICE, CRASH = (
    "test_provisioning_a_user_twice_gives_the_same_user",
    "test_crash_leaves_exactly_one_credential",
)
SHOWN, FAULTS = "test_secrets_are_never_shown", "test_faults_raise_our_errors_and_show_no_secret"
REVOKE = "test_revoking_twice_leaves_none_and_spares_the_others"
ROTATE = "test_rotating_replaces_the_secret_of_the_same_credential"

BROKEN = [
    Broken(UpperCaseSlug, "test_slug_is_lower_case_words_joined_by_hyphens"),
    Broken(NextContract, "test_plugin_names_this_contract_version"),
    Broken(PastTheLedger, "test_repeating_a_request_creates_nothing_new"),
    Broken(NoLedger, CRASH, point=KillPoint.AFTER_STORE),
    Broken(NoFind, CRASH, point=KillPoint.BEFORE_STORE),
    Broken(NoFind, CRASH, point=KillPoint.ANSWER_LOST),
    Broken(LosesSecret, CRASH, point=KillPoint.BEFORE_STORE),
    Broken(UserPerRequest, TWICE),
    Broken(NoLedger, USERS),
    Broken(NoUserFind, USERS),
    Broken(MergesPeople, "test_customers_with_similar_emails_share_nothing"),
    Broken(OneKeyForAll, "test_two_requests_make_two_credentials"),
    Broken(IgnoresExpiry, "test_requested_expiry_is_kept"),
    Broken(IgnoresScopes, "test_requested_scopes_are_kept"),
    Broken(ForeignError, FAULTS, error=ConnectionResetError),
    Broken(QuotesTheProvider, FAULTS, error=FAILED),
    Broken(ChainsTheProvider, FAULTS, error=FAILED),
    Broken(PlainToken, SHOWN, error=FAILED),
    Broken(LogsSecret, SHOWN, error=FAILED),
    Broken(PrintsSecret, SHOWN, error=FAILED),
    Broken(PublishesSecret, SHOWN, error=FAILED),
    Broken(RevokesNothing, REVOKE),
    Broken(RevokesOnce, REVOKE, error=KeyError),
    Broken(RevokesAll, REVOKE),
    Broken(RotatesNothing, ROTATE),
    Broken(RotatesByReplacing, ROTATE),
    Broken(FindsAnything, "test_find_knows_a_credential_by_its_marker"),
    Broken(ListsNoMarkers, "test_list_names_marker_and_id_of_each_credential"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: f"{broken.plugin.__name__}-{broken.rule}")
def test_broken_plugin_fails_its_rule(broken: Broken, request: pytest.FixtureRequest) -> None:
    class Suite(AcmeSuite):
        plugin = broken.plugin

    suite = Suite()
    suite.setup_method()
    arguments: list[Any] = [broken.point] if broken.point else []
    if broken.rule == SHOWN:
        arguments = [request.getfixturevalue("caplog"), request.getfixturevalue("capsys")]
    with pytest.raises(broken.error):
        getattr(suite, broken.rule)(*arguments)


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    rules = {name for name in dir(AcmeSuite) if name.startswith("test_")}
    assert rules == {broken.rule for broken in BROKEN}
