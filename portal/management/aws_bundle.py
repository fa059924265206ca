"""The Lambda authorizer as a zip: our code, PyJWT and cryptography for Lambda's platform."""

import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.core.management.base import CommandError

CHECKOUT: Final = Path(__file__).parents[2]
SOURCES: Final = (CHECKOUT / "gateways" / "aws_authorizer", CHECKOUT)
PACKAGES: Final = ("pyjwt", "cryptography", "cffi", "pycparser")
PYTHONS: Final = ("3.11", "3.12", "3.13")
# Lambda's runtimes: Amazon Linux 2 (glibc 2.26) for Python 3.11, 2023 (2.34) from 3.12 on.
PLATFORMS: Final = {
    "x86_64": ("manylinux2014_x86_64", "manylinux_2_17_x86_64"),
    "arm64": ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
}
MOST_BYTES: Final = 15_000_000
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every file: the same inputs have to give the same bytes."""
PIP_SECONDS: Final = 300


def build(*, architecture: str, python: str) -> bytes:
    """Return the zip for a Lambda runtime; downloads wheels through pip, as it is configured here.

    The wheels are those of requirements.txt, checked by their hashes. Raises CommandError when they can't be
    had or the zip is too large.
    """
    files = dict(_own_files())
    with tempfile.TemporaryDirectory() as folder:
        for wheel in _wheels(Path(folder), architecture, python):
            files |= _unpacked(wheel)
    packed = _packed(files)
    if len(packed) > MOST_BYTES:
        raise CommandError(f"the bundle has {len(packed)} bytes, more than {MOST_BYTES}")
    return packed


def _own_files() -> Iterator[tuple[str, bytes]]:
    authorizer, checkout = SOURCES
    yield "lambda_function.py", (authorizer / "lambda_function.py").read_bytes()
    for root, package in ((authorizer, "aws_authorizer"), (checkout, "tokens")):
        for path in (root / package).glob("*.py"):
            yield path.relative_to(root).as_posix(), path.read_bytes()


def _wheels(folder: Path, architecture: str, python: str) -> list[Path]:
    requirements = folder / "requirements.txt"
    requirements.write_text(pinned((CHECKOUT / "requirements.txt").read_text()))
    platforms = [f"--platform={platform}" for platform in PLATFORMS[architecture]]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:", "--require-hashes", *platforms, f"--python-version={python}",
        "--implementation=cp", f"--abi=cp{python.replace('.', '')}", "--abi=abi3", "--abi=none",
        f"--dest={folder}", f"--requirement={requirements}",
    ]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_SECONDS)
    except subprocess.CalledProcessError as exc:
        last = (exc.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CommandError(f"pip could not download the packages: {last}") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"pip took longer than {PIP_SECONDS} seconds") from None
    return sorted(folder.glob("*.whl"))


def pinned(requirements: str) -> str:
    """The lines of requirements.txt, hashes included, of what the bundle needs."""
    blocks = re.split(r"\n(?=[a-z])", requirements)
    wanted = [block for block in blocks if re.split(r"[=\[]", block)[0] in PACKAGES]
    # Extras and markers are for installing here; what they bring is named itself.
    return "\n".join(re.sub(r"^([a-z-]+)(\[\w+\])?(==\S+)[^\\]*", r"\1\3 ", block) for block in wanted)


def _unpacked(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if _is_needed(name)}


def _is_needed(name: str) -> bool:
    """Code and licences; what only installers read stays out."""
    if name.endswith(("/", ".pyi", ".h", ".c")):
        return False
    folder, _, rest = name.partition("/")
    return not folder.endswith(".dist-info") or rest == "METADATA" or "licen" in rest.lower()


def _packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16  # Lambda's user has to read them
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return stream.getvalue()
