from datetime import timedelta
from pathlib import Path
from traceback import format_exception

import pytest

from provisioning.config import ConfigError, choice, comma_list, duration, environ_get_config, text

YEAR = timedelta(days=365)


def test_setting_is_read_by_its_name() -> None:
    assert environ_get_config({"PLUGIN_ACME_URL": "a", "ACME_URL": "b"})("PLUGIN_ACME_URL") == "a"


@pytest.mark.parametrize("unset", [{}, {"PLUGIN_ACME_URL": ""}, {"PLUGIN_ACME_URL": " \n"}])
def test_unset_or_blank_falls_back_to_the_name_without_plugin(unset: dict[str, str]) -> None:
    assert environ_get_config({**unset, "ACME_URL": "b"})("PLUGIN_ACME_URL") == "b"


def test_absent_and_blank_are_none() -> None:
    assert environ_get_config({})("PLUGIN_ACME_URL") is None
    assert environ_get_config({"PLUGIN_ACME_URL": "", "ACME_URL": " "})("PLUGIN_ACME_URL") is None


def test_name_without_plugin_in_front_has_no_fallback() -> None:
    assert environ_get_config({"KEY": "b"})("MY_PLUGIN_KEY") is None


@pytest.mark.parametrize(
    ("content", "value"),
    [("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), ("s3cret\n\n", "s3cret\n"), ("a\r\nb", "a\r\nb")],
)
def test_file_gives_the_value_without_one_trailing_newline(tmp_path: Path, content: str, value: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content.encode())
    assert environ_get_config({"PLUGIN_ACME_KEY_FILE": str(path)})("PLUGIN_ACME_KEY") == value


def test_file_of_the_fallback_name_counts(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    assert environ_get_config({"ACME_KEY_FILE": str(tmp_path / "secret")})("PLUGIN_ACME_KEY") == "s3cret"


def test_blank_value_beside_a_file_is_unset(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    environ = {"ACME_KEY": "", "ACME_KEY_FILE": str(tmp_path / "secret")}
    assert environ_get_config(environ)("ACME_KEY") == "s3cret"


def test_value_and_file_together_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        environ_get_config({"ACME_KEY": "hidden-1", "ACME_KEY_FILE": "/hidden-2"})("ACME_KEY")
    assert caught.value.variable == "ACME_KEY"
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [None, b"", b"\n", b"\xff\xfe"], ids=["missing", "empty", "blank", "binary"]
)
def test_useless_file_names_the_file_variable_and_never_the_path(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "hidden"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        environ_get_config({"PLUGIN_ACME_KEY_FILE": str(path)})("PLUGIN_ACME_KEY")
    assert caught.value.variable == "PLUGIN_ACME_KEY_FILE"
    assert str(path) not in "".join(format_exception(caught.value))


def test_directory_and_nul_byte_are_no_files(tmp_path: Path) -> None:
    for path in (str(tmp_path), "a\0b"):
        with pytest.raises(ConfigError, match="ACME_KEY_FILE"):
            environ_get_config({"ACME_KEY_FILE": path})("ACME_KEY")


def test_text_is_stripped_and_defaults() -> None:
    assert text({"A": " x "}.get, "A") == "x"
    assert text({"A": "  "}.get, "A", "default") == "default"


@pytest.mark.parametrize("value", ["hid\nden", "hid\x00den", "hid\u202eden"])
def test_unprintable_text_is_refused_without_its_value(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^A: ") as caught:
        text({"A": value}.get, "A")
    assert "hid" not in str(caught.value)


def test_choice_is_one_of_those_allowed() -> None:
    assert choice(environ_get_config({}), "A", ("one", "two"), "two") == "two"
    assert choice({"A": "one"}.get, "A", ("one", "two"), "two") == "one"
    with pytest.raises(ConfigError, match=r"^A: must be one of one, two$"):
        choice({"A": "hidden"}.get, "A", ("one", "two"), "two")


def test_duration_takes_seconds_and_shorthand() -> None:
    assert duration(environ_get_config({}), "A", "30d", longest=YEAR) == timedelta(days=30)
    assert duration({"A": "90"}.get, "A", "30d", longest=YEAR) == timedelta(seconds=90)
    assert duration({"A": "365d"}.get, "A", "30d", longest=YEAR) == YEAR


@pytest.mark.parametrize("value", ["0", "-5m", "7 bananas", "bananas", "366d", "9" * 30, "1.5h"])
def test_bad_duration_is_refused_without_its_value(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        duration({"A": value}.get, "A", "30d", longest=YEAR)
    assert caught.value.variable == "A"
    assert value not in caught.value.problem.split()


def test_comma_list_drops_repetitions() -> None:
    assert comma_list({"A": " b, a,b "}.get, "A") == ("b", "a")
    assert comma_list(environ_get_config({}), "A") == ()


@pytest.mark.parametrize("given", [",", "a,", ",a", "a,,b", "a, ,b"])
def test_comma_list_takes_no_blanks(given: str) -> None:
    with pytest.raises(ConfigError, match="^A: "):
        comma_list({"A": given}.get, "A")
