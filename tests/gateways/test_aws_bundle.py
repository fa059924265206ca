"""The deployable zip, and the templates that deploy it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import hcl2
import pytest

from portal.core.recipes import FOLDER
from portal.management.aws_bundle import MOST_BYTES, pinned
from tests.gateways.issuer import CUSTOMER, Issuer
from tests.real.portal import CHECKOUT
from tests.real.required import require

pytestmark = pytest.mark.timeout(600)
RECIPE = FOLDER / "aws_authorizer"
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def build(output: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", "build_aws_authorizer", "--output", str(output), *options]
    environ = {**os.environ, "PORTAL_ENV": "development"}
    return subprocess.run(command, cwd=CHECKOUT, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For this machine's Python."""
    path = tmp_path_factory.mktemp("bundle") / "authorizer.zip"
    done = build(path, "--python", HERE)
    require("pip could not download" not in done.stderr, f"no package index answers: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return path


def test_the_same_inputs_give_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    assert build(again, "--python", HERE).returncode == 0
    assert again.read_bytes() == bundle.read_bytes()
    assert len(bundle.read_bytes()) < MOST_BYTES


def test_another_platform_has_its_own_machine_code(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "arm.zip"
    assert build(other, "--python", "3.13", "--architecture", "arm64").returncode == 0
    with zipfile.ZipFile(other) as archive:
        compiled = [name for name in archive.namelist() if name.endswith(".so")]
        assert any("cpython-313-aarch64" in name for name in compiled)
        assert archive.read("cryptography/hazmat/bindings/_rust.abi3.so")[18] == 0xB7  # ELF: AArch64


def test_it_holds_code_and_licences_and_nothing_else(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()
        roots = {name.split("/")[0] for name in names if ".dist-info" not in name}
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
    assert roots - {name for name in roots if name.startswith("_cffi_backend")} == {
        "aws_authorizer", "cffi", "cryptography", "jwt", "lambda_function.py", "pycparser", "tokens",
    }  # fmt: skip
    assert names == sorted(names)
    assert modes == {0o644}
    assert not any("__pycache__" in name or name.endswith((".pyc", "RECORD")) for name in names)


def test_it_answers_as_a_function_does(bundle: Path, issuer: Issuer, tmp_path: Path) -> None:
    """Unpacked, with nothing else to import from: as Lambda runs it."""
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
    program = (
        "import json, sys; sys.path.insert(0, '.'); import lambda_function\n"
        "print(json.dumps(lambda_function.lambda_handler(json.load(sys.stdin), None)))"
    )
    arn = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3/prod/GET/orders"
    event = {"type": "TOKEN", "authorizationToken": f"Bearer {issuer.token()}", "methodArn": arn}
    environ = {
        "ISSUER": issuer.url,
        "AUDIENCE": str(issuer.audience),
        "STATUS_LISTS": "off",
        "SSL_CERT_FILE": str(issuer.ca_file),
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        cwd=tmp_path, env=environ, input=json.dumps(event), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["context"]["customer"] == CUSTOMER


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--python", "2.7"], "invalid choice"), (["--architecture", "mips"], "invalid choice")],
)  # fmt: skip
def test_a_wrong_option_is_one_line_on_stderr(tmp_path: Path, options: list[str], said: str) -> None:
    done = build(tmp_path / "a.zip", *options)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_output_that_can_t_be_written_is_one_line_on_stderr(tmp_path: Path, bundle: Path) -> None:
    done = build(tmp_path / "missing" / "a.zip", "--python", HERE)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("could not be written: No such file or directory")


def test_what_is_pinned_is_what_is_packed() -> None:
    text = pinned((CHECKOUT / "requirements.txt").read_text())
    names = [line.split("==")[0] for line in text.splitlines() if "==" in line]
    assert sorted(names) == ["cffi", "cryptography", "pycparser", "pyjwt"]
    assert ";" not in text
    assert text.count("--hash=sha256:") >= 8


def test_cloudformation_finds_no_fault_with_the_sam_template() -> None:
    linter = Path(sys.executable).parent / "cfn-lint"
    command = [str(linter), "--regions", "eu-central-1", "--template", "template.yaml"]
    done = subprocess.run(command, cwd=RECIPE, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


def test_the_terraform_example_parses_and_says_the_same() -> None:
    with (RECIPE / "main.tf").open() as file:
        parsed = hcl2.load(file)
    resources = {kind: body for entry in parsed["resource"] for kind, body in entry.items()}
    function = str(resources)
    assert "lambda_function.lambda_handler" in function
    assert "$context.routeKey" in function
    assert "python3.13" in function
