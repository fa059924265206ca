"""What the portal uses of allauth's insides, which may change in any version: listed, and held here.

The second factors' behaviour as a whole is in ``test_mfa``, passkeys' in ``tests/real/test_passkeys``.
"""

import ast
import inspect
from base64 import b32encode
from pathlib import Path

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal import auth as webauthn

PORTAL = Path(__file__).parents[2] / "portal"
USED = {
    ("portal/web/accounts/adapter.py", "allauth.account.internal.flows.login.record_authentication"),
    ("portal/web/mfa.py", "allauth.account.internal.flows.login.record_authentication"),
    ("portal/web/mfa.py", "allauth.core.internal.cryptokit.compare_user_code"),
    ("portal/web/mfa.py", "allauth.mfa.totp.internal.auth"),
    ("portal/web/passkeys.py", "allauth.mfa.webauthn.internal.auth"),
}


def test_no_more_of_the_insides_is_used_than_is_held_here() -> None:
    found = set()
    for path in PORTAL.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and ".internal" in (node.module or ""):
                name = str(path.relative_to(PORTAL.parent))
                found |= {(name, f"{node.module}.{alias.name}") for alias in node.names}
    assert found == USED


@pytest.mark.parametrize(("counter", "code"), [(0, "755224"), (1, "287082"), (9, "520489")])
def test_codes_of_authenticator_apps_are_those_of_the_standard(counter: int, code: str) -> None:
    """RFC 4226, appendix D."""
    secret = b32encode(b"12345678901234567890").decode()
    assert totp.format_hotp_value(totp.hotp_value(secret, counter)) == code
    assert compare_user_code(actual=code, expected=code)
    assert not compare_user_code(actual="", expected=code)


def test_codes_of_three_time_steps_are_tried() -> None:
    counters = list(totp.yield_hotp_counters_from_time())
    assert counters == [counters[0], counters[0] + 1, counters[0] + 2]


def test_what_is_called_takes_what_it_is_given() -> None:
    inspect.signature(record_authentication).bind("request", "user", "mfa", id=1, type="totp")
    inspect.signature(record_authentication).bind("request", "user", method="signup")
    for parse in (webauthn.parse_authentication_response, webauthn.parse_registration_response):
        inspect.signature(parse).bind({})
    assert totp.SECRET_SESSION_KEY
    assert len(totp.generate_totp_secret()) == 32
