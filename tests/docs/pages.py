"""The documents, and what stands in them as code."""

import re
from pathlib import Path

from tests.docs.sources import ROOT


def pages() -> list[Path]:
    """Every Markdown document of ours."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def block(page: str, language: str, holding: str) -> str:
    """The one code block in that language that holds that text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    found = [text for text in blocks if holding in text]
    assert len(found) == 1, f"{page} has {len(found)} {language} blocks with {holding!r}"
    return found[0]
