"""deploy/: what containers, systemd and proxies are told holds together, with the code and with the page."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Metric

from portal.core.metrics import IN_MEMORY
from tests.docs.pages import block
from tests.docs.sources import ROOT
from tests.docs.variables import variables
from tests.real.required import require

pytestmark = pytest.mark.once
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
PAGE = (ROOT / "docs/production.md").read_text()


def known(name: str) -> bool:
    """Whether the portal reads a variable of that name, or a file that it names."""
    return name.removesuffix("_FILE") in variables()


def test_settings_of_the_environment_file_exist() -> None:
    names = re.findall(r"^([A-Z_]+)=", (DEPLOY / "portal.env").read_text(), re.MULTILINE)
    assert len(names) >= 7
    assert [name for name in names if not known(name)] == []


OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "latchkey"}


def test_settings_of_the_compose_file_exist() -> None:
    assert set(OURS) == {"prepare", "web", "worker"}
    for service in OURS.values():
        assert [name for name in service["environment"] if not known(name)] == []


def test_secrets_come_as_files_that_are_given() -> None:
    for service in COMPOSE["services"].values():
        files = [value for name, value in service["environment"].items() if name.endswith("_FILE")]
        assert {file.removeprefix("/run/secrets/") for file in files} == set(service["secrets"])
        assert set(service["secrets"]) <= set(COMPOSE["secrets"])
    made = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert made == set(re.findall(r"> secrets/(\w+)", PAGE))


@pytest.mark.parametrize("service", COMPOSE["services"].values(), ids=COMPOSE["services"])
def test_containers_may_do_little(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    if service["image"] == "latchkey":
        assert "cap_add" not in service
        assert service["user"] == "10001:10001"
        assert any(mount.startswith("/tmp") for mount in service["tmpfs"])


def test_what_the_portal_writes_is_on_the_volume() -> None:
    (folder,) = re.findall(r"PORTAL_VAR=(\S+)", DOCKERFILE)
    assert f"VOLUME {folder}" in DOCKERFILE
    assert re.search(rf"install -d -o 10001 -g 10001 -m 0700 {folder}", DOCKERFILE)
    for service in OURS.values():
        assert service["volumes"] == [f"var:{folder}"]


def test_web_and_workers_begin_when_the_database_is_prepared() -> None:
    for name in ("web", "worker"):
        depends = COMPOSE["services"][name]["depends_on"]
        assert depends == {"prepare": {"condition": "service_completed_successfully"}}
    assert COMPOSE["services"]["prepare"]["restart"] == "no"
    assert COMPOSE["services"]["prepare"]["depends_on"] == {"db": {"condition": "service_healthy"}}


def test_only_this_host_reaches_web() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8000:8000"]


def test_the_image_has_what_the_portal_imports_and_runs_as_nobody() -> None:
    final = DOCKERFILE.rpartition("FROM python:3.13-slim")[2]
    assert "--require-hashes -r requirements.txt" in DOCKERFILE
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", final, re.MULTILINE)
    assert "/healthz" in final
    copied = set(re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE))
    assert copied == {
        "requirements.txt", "manage.py", "tokens", "provisioning", "portal", "templates", "gateways",
    }  # fmt: skip
    allowed = re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert set(allowed) == copied
    assert all((ROOT / path).exists() for path in copied)


def test_commands_of_image_and_units_exist() -> None:
    from django.core.management import get_commands

    started = re.findall(r"manage\.py (\w+)", "".join(unit.read_text() for unit in UNITS))
    started += [service.get("command", ["serve"])[0] for service in OURS.values()]
    assert set(started) == {"prepare", "serve", "worker"}
    assert set(started) <= set(get_commands())


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_may_do_little(unit: Path) -> None:
    text = unit.read_text()
    for line in (
        "User=latchkey", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes",
        "CapabilityBoundingSet=", "StateDirectory=latchkey", "SystemCallFilter=@system-service",
    ):  # fmt: skip
        assert re.search(rf"^{re.escape(line)}$", text, re.MULTILINE), line


def test_units_leave_time_to_finish() -> None:
    """Longer than a process takes to end by itself: 15 s for requests, 10 s for a call."""
    for unit in UNITS:
        if stop := re.search(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE):
            assert int(stop[1]) >= 30
    assert {COMPOSE["services"][name]["stop_grace_period"] for name in ("web", "worker")} == {"40s"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_units(unit: Path, tmp_path: Path) -> None:
    require(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    for other in UNITS:
        text = other.read_text().replace("/opt/latchkey/.venv/bin/python", "/bin/true")
        (tmp_path / other.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / unit.name)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if unit.name.partition(".")[0].rstrip("@") in line]
    assert (done.returncode, said) == (0, [])


def test_proxies_drop_what_granian_would_take_for_their_own_headers() -> None:
    nginx, caddy = (DEPLOY / "nginx.conf").read_text(), (DEPLOY / "Caddyfile").read_text()
    assert re.search(r"^\s*underscores_in_headers off;$", nginx, re.MULTILINE)
    assert re.search(r"^\s*proxy_set_header X-Forwarded-For +\$remote_addr;$", nginx, re.MULTILINE)
    assert re.search(r"^\s*header_up -\*_\*$", caddy, re.MULTILINE)
    for page in (nginx, caddy):
        assert "/metrics" in page


def test_files_that_the_page_installs_are_there() -> None:
    named = set(re.findall(r"/opt/latchkey/(deploy/[\w./]+\w)", PAGE))
    assert {"deploy/latchkey", "deploy/portal.env"} <= named
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert (DEPLOY / "latchkey").stat().st_mode & 0o111


def test_every_metric_is_in_the_page_and_no_other() -> None:
    from portal.published.gauges import DATABASE_DOWN, database_gauges

    assert database_gauges  # its names are read below: they need a database
    source = (ROOT / "portal/published/gauges.py").read_text()
    gauges = set(re.findall(r'"(latchkey_\w+)"', source))
    counted: list[Metric] = list(IN_MEMORY.collect())
    names = gauges | {metric.name + ("_total" if metric.type == "counter" else "") for metric in counted}
    described = set(re.findall(r"`(latchkey_\w+)`", PAGE))
    assert described == names
    assert b"latchkey_database_up" in DATABASE_DOWN


def test_alerts_ask_for_metrics_that_exist() -> None:
    rules = yaml.safe_load(block("docs/production.md", "yaml", "groups:"))["groups"][0]["rules"]
    assert len(rules) >= 8
    described = set(re.findall(r"`(latchkey_\w+)`", PAGE))
    for rule in rules:
        (asked,) = re.findall(r"latchkey_\w+", rule["expr"])
        assert asked.removesuffix("_count") in described
