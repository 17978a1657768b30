"""The house rules that can be measured, and the links between the documents."""

import ast
import re
from pathlib import Path

import pytest

from .support import ROOT

SOURCES = sorted(
    path
    for path in [*ROOT.glob("*/*.py"), *(ROOT / "bin").iterdir(), ROOT / "setup.py"]
    if path.is_file() and ".venv" not in path.parts
)
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400, "a file over 300 lines is a question, and one over 400 has no answer"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno and node.end_lineno - node.lineno < 40, node.name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / link).exists(), link
