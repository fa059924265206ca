"""What a test needs from the machine: skipped with a reason where it is missing, or failed."""

import os
import shutil
from pathlib import Path

import pytest

NODE = Path(__file__).parents[1] / "node"


def require(condition: object, reason: str) -> None:
    """Go on when ``condition`` holds; else skip, or with ``REQUIRE_ALL=1`` fail, saying ``reason``."""
    if condition:
        return
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def require_node() -> None:
    """Node and the libraries of tests/node."""
    require(shutil.which("node"), "Node is not installed")
    require((NODE / "node_modules" / "jose").is_dir(), "tests/node/node_modules is missing: run npm ci there")


def require_proc() -> None:
    """Linux's /proc, by which processes left behind are found."""
    require(Path("/proc/self/environ").exists(), "there is no /proc to look for processes in")
