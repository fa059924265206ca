import pickle

import pytest

from provisioning.secret import Secret


def test_secret_shows_stars_in_every_form() -> None:
    secret = Secret("visible")
    for shown in (str(secret), repr(secret), f"{secret:>20}", f"{[secret]}"):
        assert "visible" not in shown
        assert "***" in shown
    assert secret.reveal() == "visible"


def test_secret_can_not_be_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("visible"))


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")
