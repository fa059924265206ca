"""Brings ``tokens`` along as ``latchkey_verifier.tokens``: an API server may have a ``tokens`` itself."""

import re
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

TOKENS = Path(__file__).resolve().parents[2] / "tokens"


class BuildWithTokens(build_py):
    def run(self) -> None:
        super().run()
        built = Path(self.build_lib) / "latchkey_verifier"
        (built / "tokens").mkdir(exist_ok=True)
        sources = sorted(TOKENS.glob("*.py"))
        if not sources:
            raise SystemExit(f"{TOKENS} is missing: build from a checkout of Latchkey")
        for source in sources:
            (built / "tokens" / source.name).write_text(source.read_text("utf-8"), "utf-8")
        for path in built.rglob("*.py"):
            path.write_text(moved(path.read_text("utf-8")), "utf-8")


def moved(text: str) -> str:
    """The same with imports from where ``tokens`` goes."""
    return re.sub(r"^from tokens\b", "from latchkey_verifier.tokens", text, flags=re.MULTILINE)


setup(cmdclass={"build_py": BuildWithTokens})
