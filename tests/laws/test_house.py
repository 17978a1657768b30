"""The house rules that can be measured, and the links between the documents."""

import ast
import re
from pathlib import Path

import pytest

from ..kit.support import ROOT
from .test_layering import MODULES, statements


def is_ours(path: Path) -> bool:
    """Not a virtual environment's, nor what was built."""
    parts = path.relative_to(ROOT).parts
    return not any(part.startswith(".") or part in ("build", "dist") for part in parts) and parts[0] not in LEFT


LEFT = ("mailboxes", "venv")
"""What somebody who uses the clone may have left in it."""

SOURCES = sorted(path for path in [*ROOT.rglob("*.py"), *(ROOT / "bin").iterdir()] if path.is_file() and is_ours(path))
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if is_ours(path))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400, "a file over 300 lines is a question, and one over 400 has no answer"
    for node in statements(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno and node.end_lineno - node.lineno < 40, node.name


@pytest.mark.parametrize("path", [path for path in SOURCES if "tests" not in path.parts], ids=lambda path: path.name)
def test_no_possessive_group_can_fail_halfway(path: Path) -> None:
    """Python 3.11.2, which Debian 12 has, goes on behind what a failed repetition has read (python/cpython#100061).

    `(?>(?:...)*)` says the same. A group that is whole once it has begun may stay, since it takes less memory, and says so.
    """
    lines = [
        line
        for line in path.read_text().splitlines()
        if re.search(r"\br?b?r?[\"'].*(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+", line)
    ]
    assert [line for line in lines if "# whole, once begun" not in line] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for link, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", path.read_text()):
        place = path.parent / link if link else path
        assert place.exists(), link
        assert not anchor or anchor in anchors(place.read_text()), f"{link}#{anchor}"


def anchors(text: str) -> set[str]:
    """Those of a document's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?ms)^```.*?^```", "", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


OWNED = {"segment": "storage/journal/segments.py", "queue": "storage/delivery/queue.py"}
"""What has verbs, and the one file that writes its fields."""


CHANGES = {"add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popleft", "remove", "update"}
"""Methods by which a list, a set or the like is changed."""


def strangers(text: str, name: str) -> list[str]:
    """The fields of something with this name that a source writes to, and the private ones that it looks at."""
    if name not in text:
        return []
    fields = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)]
    found = [ast.unparse(field) for field in fields if isinstance(field.ctx, ast.Store) or field.attr.startswith("_")]
    found += [ast.unparse(field.value) for field in fields if field.attr in CHANGES]
    return sorted(place for place in found if re.search(rf"(^|\.){name}\.[a-z_]+$", place))


@pytest.mark.parametrize("name", sorted(OWNED))
def test_what_has_verbs_keeps_its_fields_to_itself(name: str) -> None:
    sources = [path for path in MODULES if str(path.relative_to(ROOT)) != OWNED[name]]
    assert not {str(path): found for path in sources if (found := strangers(path.read_text(), name))}
    text = "x.thing.end = 1; thing._end; thing.end += 1; thing.end; thing.take(1); thing.names.add(1); thing.remove(1)"
    assert strangers(text, "thing") == ["thing._end", "thing.end", "thing.names", "x.thing.end"]


@pytest.mark.parametrize("dialect", ["classic", "esmtp"])
def test_the_literals_of_a_table_fit_a_page(dialect: str) -> None:
    text = (ROOT / "protocol" / dialect / "table.py").read_text()
    lines = [line for literal in re.findall(r"(?s)# fmt: off\n(.*?)# fmt: on", text) for line in literal.splitlines()]
    assert len(lines) > 8 and [line for line in lines if len(line) > 100] == []
