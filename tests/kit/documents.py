"""What the documents show."""

import re

from .support import ROOT


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of a document."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", (ROOT / name).read_text())
