"""Whatever is wrong, a command of ours says so in one line on stderr and ends with status 1."""

import os
import subprocess
import sys

import pytest

from tests.docs.sources import ROOT

pytestmark = pytest.mark.once
NOWHERE = "postgres://nobody@127.0.0.1:1/none"


@pytest.mark.parametrize(
    ("command", "settings", "said"),
    [
        (["rotate_signing_key", "--no-such-option"], {}, "unrecognized arguments"),
        (["create_staff"], {}, "--email"),
        (["provision", "nobody"], {"DATABASE_URL": NOWHERE}, "database"),
        (["prepare"], {"DATABASE_URL": NOWHERE}, "database"),
        (["serve"], {"PORTAL_BASE_URL": "nonsense"}, "PORTAL_BASE_URL"),
        (["serve", "--prepared", "--port", "1", "--host", "203.0.113.1"], {}, "can't listen"),
        (["provision", "nobody"], {}, "no such customer"),
        (["gateway_config", "nonsense"], {}, "there is no such recipe"),
        (["gateway_config", "envoy"], {"DATABASE_URL": NOWHERE}, "database"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_one_line_and_status_1(
    tmp_path_factory: pytest.TempPathFactory, command: list[str], settings: dict[str, str], said: str
) -> None:
    var = tmp_path_factory.mktemp("var")
    environ = {
        "PATH": os.environ["PATH"], "PORTAL_ENV": "development", "PORTAL_VAR": str(var),
        "DATABASE_URL": f"sqlite:///{var}/db.sqlite3", **settings,
    }  # fmt: skip
    if command == ["provision", "nobody"] and not settings:
        subprocess.run([sys.executable, "manage.py", "prepare"], cwd=ROOT, env=environ, check=True)
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
