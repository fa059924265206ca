"""``revoke_signing_key`` takes any kid that the portal may have given."""

import pytest

from tests.real.portal import Portal


@pytest.mark.parametrize("kid", ["-" + "h" * 42, "--" + "v" * 41, "-v" + "1" * 41, "_" * 43])
def test_a_kid_may_begin_with_a_dash(portal: Portal, kid: str) -> None:
    done = portal.manage("revoke_signing_key", kid, "--reason", "leaked", check=False)
    assert done.returncode == 1
    assert "signing key" in done.stderr  # not found, rather than misread as an option
    assert "argument" not in done.stderr


def test_a_missing_reason_is_said(portal: Portal) -> None:
    done = portal.manage("revoke_signing_key", portal.kids()[0], check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--reason" in done.stderr
    assert done.stderr.count("\n") == 1
