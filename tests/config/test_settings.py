"""The environment as an operator gives it: the portal starts, or one line names the variable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.routes import every_route

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "PORTAL_BASE_URL": "https://portal.example.com",
    "SECRET_KEY": "s" * 50 + "-12345",
    "PORTAL_SEALING_KEYS": "k" * 40,
    "DATABASE_URL": "postgres://portal@127.0.0.1/portal",
    "EMAIL_URL": "smtp://localhost:25",
}


def manage(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **environ}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def setting(expression: str, **environ: str) -> str:
    code = f"from django.conf import settings; print({expression})"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "portal.config.settings", **environ},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return result.stdout.strip()


def test_a_whole_production_environment_starts() -> None:
    assert manage("check", **PRODUCTION).returncode == 0


BAD = {
    "PORTAL_ENV": "staging",
    "PORTAL_BASE_URL": "http://portal.example.com",
    "SECRET_KEY": "short-secret-value",
    "SECRET_KEY_FALLBACKS": "short-secret-value",
    "PORTAL_SEALING_KEYS": "short-secret-value",
    "DEBUG": "true",
    "ALLOWED_HOSTS": "*",
    "CSRF_TRUSTED_ORIGINS": "portal.example.com",
    "PORTAL_TRUSTED_PROXIES": "-1",
    "PORTAL_SIGNUP": "everybody",
    "PORTAL_ACCENT_COLOR": "red;}",
    "PORTAL_LOGO_URL": "javascript:alert(1)",
    "ADMIN_PATH": "/admin",
    "DATABASE_URL": "mysql://x@y/z",
    "REDIS_URL": "http://x",
    "EMAIL_URL": "nonsense",
    "SIGNING_KEY_LEAD_TIME": "1h",
    "SIGNING_KEY_ROTATE_EVERY": "soon",
    "STATUS_LIST_TTL": "0",
    "AUDIT_RETENTION": "-1d",
    "LOG_LEVEL": "loud",
    "LOG_FORMAT": "xml",
    "PLUGIN_APIM_PROVIDER": "no-such-plugin",
    "PLUGIN_JWT_ALGORITHM": "RS1",
    "PLUGIN_JWT_SECRET": "no-pem-secret-value",
    "PLUGIN_JWT_EXPIRES_IN": "0",
    "PLUGIN_JWT_COMPANY_ID_FIELD": "exp",
    "PLUGIN_JWT_AUDIENCE": "https://api.example.com,,",
    "PORTAL_VAR": "var",
    "PORT": "99999",
}
MORE_BAD = [
    ("ADMIN_PATH", "api/"), ("ADMIN_PATH", "api/v1/admin/"), ("ADMIN_PATH", "accounts/"), ("ADMIN_PATH", "keys/"),
    ("ADMIN_PATH", "Static/"), ("ADMIN_PATH", "v1/token/"), ("ADMIN_PATH", "metrics/"),
    ("SIGNING_KEY_ROTATE_EVERY", "24h"), ("SIGNING_KEY_ROTATE_EVERY", "1h"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [*BAD.items(), *MORE_BAD])
def test_a_bad_value_is_one_line_naming_the_variable(name: str, value: str) -> None:
    result = manage("check", **{**PRODUCTION, name: value})
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    assert name in result.stderr
    if "secret" in value:
        assert value not in result.stderr


@pytest.mark.parametrize("name", ["PORTAL_BASE_URL", "SECRET_KEY", "PORTAL_SEALING_KEYS"])
def test_a_missing_value_stops_production(name: str) -> None:
    result = manage("check", **{key: value for key, value in PRODUCTION.items() if key != name})
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert name in result.stderr


@pytest.mark.parametrize(
    "url", ["https://p.example/", "https://p.example/path", "https://p.example?x", "p.example", "https://",
            "https://user@p.example", "https://p.example:0", "https://p.example:99999", "ftp://p.example"],
)  # fmt: skip
def test_the_base_url_is_an_origin_alone(url: str) -> None:
    assert "PORTAL_BASE_URL" in manage("check", **{**PRODUCTION, "PORTAL_BASE_URL": url}).stderr


def test_the_admin_can_be_at_no_path_of_the_portals() -> None:
    from django.conf import settings

    from portal.config.settings import TAKEN_PATHS

    first_parts = {route.path.partition("/")[0].partition(".")[0] for route in every_route()}
    own = first_parts - {"", settings.ADMIN_PATH.partition("/")[0]}
    assert {"api", "accounts", "dashboard"} <= own
    assert own <= TAKEN_PATHS


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("f" * 50 + "\n")
    given = {key: value for key, value in PRODUCTION.items() if key != "SECRET_KEY"}
    assert setting("settings.SECRET_KEY", **given, SECRET_KEY_FILE=str(file)) == "f" * 50
    both = manage("check", **PRODUCTION, SECRET_KEY_FILE=str(file))
    assert both.returncode == 1
    assert "SECRET_KEY" in both.stderr


def test_hosts_and_cookies_follow_the_base_url() -> None:
    shown = setting(
        "settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS, settings.SESSION_COOKIE_SECURE", **PRODUCTION
    )
    assert shown == "['portal.example.com'] ['https://portal.example.com'] True"


def test_forwarded_headers_count_only_behind_our_own_proxies() -> None:
    ask = "getattr(settings, 'SECURE_PROXY_SSL_HEADER', None)"
    assert setting(ask, **PRODUCTION) == "None"
    assert "FORWARDED_PROTO" in setting(ask, **PRODUCTION, PORTAL_TRUSTED_PROXIES="1")


@pytest.mark.parametrize("command", ["create_staff", "create_access_token", "rotate_signing_key", "provision", "worker",
                                     "revoke_signing_key", "verify_audit", "serve", "prepare", "run"])  # fmt: skip
def test_commands_explain_themselves_and_refuse_in_one_line(command: str) -> None:
    environ = {**PRODUCTION, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    shown = manage(command, "--help", **environ)
    assert (shown.returncode, command in shown.stdout) == (0, True)
    wrong = manage(command, "--no-such-option", **environ)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1), wrong.stderr


def test_a_database_that_is_away_is_one_line() -> None:
    result = manage("verify_audit", **{**PRODUCTION, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"})
    assert (result.returncode, result.stderr.count("\n")) == (1, 1), result.stderr
    assert "Traceback" not in result.stderr
