import os
import subprocess
import sys

import pytest

from portal.core.colors import readable_on
from portal.core.errors import Unavailable
from portal.core.process import is_gone, this_process
from portal.core.sealing import seal, unseal
from portal.core.tokens import is_well_formed, new_management_token
from provisioning.secret import Secret

pytestmark = pytest.mark.once


def test_sealed_text_opens_again_and_shows_nothing() -> None:
    sealed = seal(Secret("hush"))
    assert "hush" not in sealed
    assert unseal(sealed).reveal() == "hush"
    assert seal(Secret("hush")) != sealed


def test_older_sealing_keys_still_open(settings) -> None:  # type: ignore[no-untyped-def]
    sealed = seal(Secret("hush"))
    settings.SEALING_KEYS = ("n" * 40, *settings.SEALING_KEYS)
    assert unseal(sealed).reveal() == "hush"
    settings.SEALING_KEYS = ("n" * 40,)
    with pytest.raises(Unavailable) as refused:
        unseal(sealed)
    assert refused.value.code == "sealing_key_missing"


def test_management_tokens_can_be_checked_offline() -> None:
    token = new_management_token().reveal()
    assert len(token) == 39
    assert is_well_formed(token)
    assert not is_well_formed(token[:-1] + ("0" if token[-1] != "0" else "1"))
    assert not is_well_formed(token + "\n")


def test_this_process_is_not_gone_and_an_ended_one_is() -> None:
    assert not is_gone(this_process())
    code = "from portal.core.process import this_process; print(this_process())"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert ended.split(" ")[1] != str(os.getpid())
    assert is_gone(ended)


@pytest.mark.parametrize("owner", ["", "x", "other-host 1 1", "a b c", "elsewhere/x/y 1 None"])
def test_nobody_can_tell_about_other_hosts(owner: str) -> None:
    assert not is_gone(owner)


@pytest.mark.parametrize(
    ("accent", "ink"), [("#000000", "#ffffff"), ("#ffffff", "#000000"), ("#0b6e4f", "#ffffff")]
)
def test_text_on_the_accent_colour_is_readable(accent: str, ink: str) -> None:
    assert readable_on(accent) == ink
