from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.core.plugins import registry, set_registry
from portal.models import AuditEvent, SigningKey
from portal.published.documents import jwks
from portal.services.signing_keys.sync import sync_signing_keys
from provisioning.config import ConfigError, environ_get_config
from provisioning.registry import load_plugins
from tests.conftest import Api, Clock, key_of
from tokens.jwk import generate_private_key, to_pem

pytestmark = pytest.mark.django_db
Issue = Callable[..., dict[str, Any]]


@pytest.fixture
def configure() -> Any:
    """Restart the portal with other ``PLUGIN_JWT_*`` values, as far as signing keys go."""
    before = registry()

    def restart(**variables: str) -> None:
        environ = {f"PLUGIN_JWT_{name}": value for name, value in variables.items()}
        set_registry(load_plugins("jwt", environ_get_config(environ), before.default._toolbox))
        sync_signing_keys()

    yield restart
    set_registry(before)


def state(kid: str) -> str:
    return SigningKey.objects.get(kid=kid).state


def active(source: str = "managed") -> SigningKey:
    return SigningKey.objects.get(source=source, state="active")


def pem(algorithm: str = "RS256") -> str:
    return to_pem(generate_private_key(algorithm)).decode()


def test_there_is_an_active_and_a_staged_key() -> None:
    assert sorted(SigningKey.objects.values_list("state", flat=True)) == ["active", "staged"]
    assert jwks().count(b'"kid"') == 2


def test_starting_again_changes_nothing() -> None:
    before = list(SigningKey.objects.values("kid", "state"))
    sync_signing_keys()
    assert list(SigningKey.objects.values("kid", "state")) == before


def test_the_jwks_holds_no_private_member() -> None:
    import json

    for key in json.loads(jwks())["keys"]:
        assert {"kid", "alg", "use", "kty"} <= set(key)
        assert not set(key) & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
        assert key["use"] == "sig"


def test_rotation_waits_for_the_lead_time(clock: Clock) -> None:
    SigningKey.objects.update(staged_at=clock())
    with pytest.raises(CommandError, match=(clock().replace(tzinfo=None)).strftime("%Y-%m-")):
        call_command("rotate_signing_key")
    staged = SigningKey.objects.get(state="staged")
    clock.advance(hours=24)
    call_command("rotate_signing_key", stdout=StringIO())
    assert state(staged.kid) == "active"
    assert SigningKey.objects.filter(state="staged").exclude(pk=staged.pk).exists()


def test_a_rotation_refuses_no_key(api: Api, issue: Issue) -> None:
    old = issue()
    call_command("rotate_signing_key", "--now", stdout=StringIO())
    new = issue()
    assert old["kid"] != new["kid"]
    for key in (old, new):
        assert api.form("/introspect", token=key["secret"]).json()["active"] is True
    assert state(old["kid"]) == "retiring"
    assert SigningKey.objects.get(kid=old["kid"]).sealed_private == ""
    assert old["kid"].encode() in jwks()


def test_a_retiring_key_goes_when_all_it_signed_has_expired(issue: Issue, clock: Clock) -> None:
    old = issue(expires_in="10d")
    call_command("rotate_signing_key", "--now", stdout=StringIO())
    clock.advance(days=10, hours=23)
    sync_signing_keys()
    assert state(old["kid"]) == "retiring"
    clock.advance(hours=1)
    sync_signing_keys()
    assert state(old["kid"]) == "retired"
    assert old["kid"].encode() not in jwks()


def test_an_emergency_revokes_everything_the_key_signed(api: Api, issue: Issue) -> None:
    key, staged = issue(), SigningKey.objects.get(state="staged")
    out = StringIO()
    call_command("revoke_signing_key", key["kid"], "--reason", "leaked", stdout=out)
    assert "1 keys of 1 customers" in out.getvalue()
    assert state(key["kid"]) == "revoked"
    assert state(staged.kid) == "active"
    assert key["kid"].encode() not in jwks()
    assert key_of(key).status == "revoked"
    assert api.form("/introspect", token=key["secret"]).json() == {"active": False}
    assert api.form("/introspect", token=issue()["secret"]).json()["active"] is True
    assert AuditEvent.objects.filter(action="signing_key.revoked", object=key["kid"]).exists()


def test_revoking_the_staged_key_stages_another() -> None:
    staged = SigningKey.objects.get(state="staged")
    call_command("revoke_signing_key", staged.kid, "--reason", "seen", stdout=StringIO())
    assert SigningKey.objects.filter(state="staged").exclude(pk=staged.pk).count() == 1


def test_an_unknown_kid_is_one_line() -> None:
    with pytest.raises(CommandError, match="no such signing key"):
        call_command("revoke_signing_key", "nobody", "--reason", "x")


def test_an_imported_key_signs_and_keeps_verifying_when_it_changes(
    api: Api, issue: Issue, configure: Callable[..., None]
) -> None:
    managed = issue()
    configure(ALGORITHM="ES256", SECRET=pem("ES256"), KID="first")
    first = issue()
    configure(ALGORITHM="ES256", SECRET=pem("ES256"), KID="second")
    second = issue()
    configure()
    third = issue()
    assert [key["kid"] for key in (first, second)] == ["first", "second"]
    assert third["kid"] not in ("first", "second")
    for key in (managed, first, second, third):
        assert api.form("/introspect", token=key["secret"]).json()["active"] is True
    assert (state("first"), state("second")) == ("retiring", "retiring")
    assert b'"first"' in jwks()


def test_an_hs_secret_signs_and_is_never_published(
    api: Api, issue: Issue, configure: Callable[..., None]
) -> None:
    configure(ALGORITHM="HS256", SECRET="s" * 32, KID="shared")
    old = issue()
    configure(ALGORITHM="HS256", SECRET="t" * 32)
    new = issue()
    assert old["kid"] == "shared"
    for key in (old, new):
        assert api.form("/introspect", token=key["secret"]).json()["active"] is True
    assert b"shared" not in jwks()
    assert b'"kty":"oct"' not in jwks()
    assert active().algorithm == "RS256"


def test_the_same_kid_with_another_key_stops_the_start(configure: Callable[..., None]) -> None:
    configure(SECRET=pem(), KID="mine")
    with pytest.raises(ConfigError, match="PLUGIN_JWT_KID"):
        configure(SECRET=pem(), KID="mine")


def test_a_revoked_imported_key_never_signs_again(
    api: Api, owner: Any, issue: Issue, configure: Callable[..., None]
) -> None:
    configure(SECRET=pem(), KID="mine")
    issue()
    call_command("revoke_signing_key", "mine", "--reason", "leaked", stdout=StringIO())
    sync_signing_keys()
    assert state("mine") == "revoked"
    answer = api.post(
        "/keys",
        {"customer": owner.customer.public_id, "user": owner.user.email, "name": "x"},
        prefer="wait=0",
    )
    assert answer.status_code == 202
    assert answer.json()["status"] == "needs_attention"


def test_a_change_of_algorithm_waits_for_the_lead_once_keys_exist(
    issue: Issue, configure: Callable[..., None]
) -> None:
    issue()
    configure(ALGORITHM="ES384")
    assert active().algorithm == "RS256"
    assert SigningKey.objects.get(state="staged").algorithm == "ES384"


def test_a_change_of_algorithm_counts_at_once_when_no_key_was_issued(configure: Callable[..., None]) -> None:
    configure(ALGORITHM="EdDSA")
    assert active().algorithm == "EdDSA"
    assert SigningKey.objects.get(state="staged").algorithm == "EdDSA"


def test_an_algorithm_that_a_person_chose_outlives_a_start() -> None:
    call_command("rotate_signing_key", "--now", "--algorithm", "ES256", stdout=StringIO())
    sync_signing_keys()
    assert SigningKey.objects.get(state="staged").algorithm == "ES256"


def test_a_revoked_key_that_is_configured_again_leaves_no_other_signing(
    configure: Callable[..., None],
) -> None:
    first, second = pem(), pem()
    configure(SECRET=first, KID="first")
    configure(SECRET=second, KID="second")
    call_command("revoke_signing_key", "second", "--reason", "leaked", stdout=StringIO())
    configure(SECRET=first, KID="first")
    configure(SECRET=second, KID="second")
    assert not SigningKey.objects.filter(source="imported", state="active").exists()


def test_a_process_with_another_configuration_costs_no_key(
    issue: Issue, configure: Callable[..., None]
) -> None:
    configure(SECRET=pem(), KID="mine")
    # What an older process that has no PLUGIN_JWT_SECRET does when it starts.
    SigningKey.objects.filter(kid="mine").update(state="retiring", sealed_private="")
    assert issue()["kid"] == "mine"


def test_what_a_crash_left_of_an_emergency_is_finished_by_the_next_worker(issue: Issue) -> None:
    from portal.core.actor import SYSTEM
    from portal.services.signing_keys.rotate import finish_revocations

    key = issue()
    SigningKey.objects.filter(kid=key["kid"]).update(state="revoked", sealed_private="", reason="leaked")
    finish_revocations(SYSTEM)
    assert key_of(key).status == "revoked"
    assert key_of(key).revoke_reason == "signing key revoked: leaked"
