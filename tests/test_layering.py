"""The rooms never import one another, and protocol/ touches nothing outside itself."""

import ast
from pathlib import Path

import pytest

from .support import ROOT

ROOMS = ("reactor", "protocol", "storage", "settings")
MODULES = [path for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))]

PURE = {
    "itertools", "unicodedata",
    "base64", "binascii", "collections", "datetime", "email", "enum", "functools", "ipaddress", "math", "re", "typing",
}  # fmt: skip
"""What protocol/ may use of the standard library: nothing with I/O, a clock, chance, a log or a thread."""


def imports(path: Path) -> list[tuple[int, str]]:
    """Level and name of each import; level 0 is absolute."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or ""))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_room_imports_itself_relatively_and_no_other(path: Path) -> None:
    for level, name in imports(path):
        top = name.split(".")[0]
        assert level <= 1
        assert level == 1 or top not in {*ROOMS, "carteiro", "tests"}, f"imports {name}"
        assert level == 1 or path.parent.name != "protocol" or top in PURE, f"imports {name}"


@pytest.mark.parametrize("room", ["protocol", "reactor"])
def test_only_a_clock_that_is_passed_in_is_read_in_protocol(room: str) -> None:
    """`now`, `time` and `today` would be clocks. The reactor has one, which shows that this finds it."""
    calls = {
        node.func.attr
        for path in (ROOT / room).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert bool(calls & {"now", "utcnow", "today", "time", "monotonic"}) == (room == "reactor")


def test_the_reactor_has_never_heard_of_mail_nor_storage_of_smtp() -> None:
    for room, words in (("reactor", ("mail", "smtp")), ("storage", ("smtp", "session", "reply", "command"))):
        for path in (ROOT / room).glob("*.py"):
            code = ast.unparse(_without_docstrings(ast.parse(path.read_text()))).lower()
            assert not [word for word in words if word in code], path


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [
                part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
            ]
            node.body = node.body or [ast.Pass()]
    return tree
