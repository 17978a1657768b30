"""The rooms never import one another, but for service/; each floor of a room imports only what is below it, and protocol/
touches nothing outside.

All of it at any depth: a room may have rooms of its own.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePath

import pytest

from ..kit.support import ROOT

ROOMS = ("reactor", "protocol", "storage", "inbox", "web", "conformance", "service")
WIRED_BY = "service"
"""The one room that imports the others."""

MODULES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]

PURE = {
    "base64", "binascii", "collections", "datetime", "email", "enum", "functools", "html", "ipaddress", "itertools", "math",
    "re", "textwrap", "typing", "unicodedata",
}  # fmt: skip
"""What protocol/ may use of the standard library: nothing with I/O, a clock, chance, a log or a thread."""


UNWIRED = {"conformance"}
"""Rooms that do no I/O either: what they need of a socket is passed in."""

OUTSIDE = {"socket", "selectors", "ssl", "threading", "time", "random", "logging", "subprocess", "os", "asyncio"}
"""What these may not use of the standard library."""


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements at any depth: a tenth of the nodes, since expressions have none in them."""
    for part in ("body", "orelse", "handlers", "finalbody", "cases"):
        inner = getattr(tree, part, ())
        for statement in inner if isinstance(inner, list) else ():
            yield statement
            yield from statements(statement)


@cache
def imports(text: str) -> list[tuple[int, str, list[str]]]:
    """Level, module and names of each import; level 0 is absolute. What is imported for the names of types only is not."""
    found: list[tuple[int, str, list[str]]] = []
    tree = ast.parse(text)
    tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")]
    for node in statements(tree):
        if isinstance(node, ast.Import):
            found += [(0, alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or "", [alias.name for alias in node.names]))
    return found


def faults(path: PurePath, text: str) -> list[str]:
    """What is wrong with the imports of a module, whose path begins with its room."""
    found = []
    room = path.parts[0]
    for level, name, _ in imports(text):
        top = name.split(".")[0]
        if level >= len(path.parts):
            found.append(f"{path}: leads out of {room}")
        elif level == 0 and top in {*ROOMS, "carteiro", "tests"} - ({*ROOMS} - {room} if room == WIRED_BY else set()):
            found.append(f"{path}: imports {name} by its whole name")
        elif level == 0 and ((room == "protocol" and top not in PURE) or (room in UNWIRED and top in OUTSIDE)):
            found.append(f"{path}: imports {name}")
    return found


def targets(path: PurePath, text: str) -> set[PurePath]:
    """The modules of its own room that a module imports, or the sub-rooms when it imports one as a whole."""
    found = set()
    for level, name, names in imports(text):
        if level:
            at = path.parents[level - 1].joinpath(*filter(None, name.split(".")))
            modules = [at / f"{name}.py" for name in names] if not name or (ROOT / at).is_dir() else [at.with_suffix(".py")]
            found |= {module if (ROOT / module).exists() else at / "__init__.py" for module in modules}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_itself_relatively_and_no_other(path: Path) -> None:
    assert not faults(path.relative_to(ROOT), path.read_text())


def test_no_import_leads_round() -> None:
    """Within a room, too, there is a below and an above: who imports what knows less than itself."""
    below = {(name := path.relative_to(ROOT)): targets(name, path.read_text()) for path in MODULES}
    assert sum(map(len, below.values())) > 150, "they are found"
    while low := [module for module, those in below.items() if not those & below.keys()]:
        for module in low:
            del below[module]
    assert not below


FLOORS: dict[str, list[set[str]]] = {
    "protocol": [{"engine"}, {"mail"}, {"classic", "esmtp", "pop3"}, {"fussy"}],
    "reactor": [{""}, {"stream"}],
    "storage": [{""}, {"accounts", "mailboxes", "journal"}, {"delivery"}, {"stores"}],
    "inbox": [{"mime"}, {"search"}, {"index"}],
    "web": [{""}, {"mailpit", "mailhog", "pages"}, {"api"}],
    "conformance": [{"rules"}, {""}, {"probes", "reports"}],
    "service": [{""}, {"audit", "client", "conformance", "pop3", "web"}],
}
"""The rooms in a room, the lowest first; those on one floor do not know one another. "": what lies in the room itself."""


def floor_of(path: PurePath) -> tuple[int, str]:
    """How high a module is, and in which room of its room."""
    sub_room = path.parts[1] if len(path.parts) > 2 else ""
    heights = [number for number, names in enumerate(FLOORS[path.parts[0]]) if sub_room in names]
    assert heights, f"{path.parent} is in no row of FLOORS: say which floor it is on"
    return heights[0], sub_room


def descends(path: PurePath, target: PurePath) -> bool:
    """Whether an import stays in its room, or leads to a lower floor."""
    (height, sub_room), (below, other) = floor_of(path), floor_of(target)
    return sub_room == other or below < height


def test_each_floor_imports_only_what_is_below_it() -> None:
    modules = [path.relative_to(ROOT) for path in MODULES if path.name != "__init__.py"]
    for path in modules:
        for target in targets(path, (ROOT / path).read_text()):
            assert descends(path, target), f"{path} imports {target}"
    assert {floor_of(path) for path in modules} == {
        (number, name) for floors in FLOORS.values() for number, names in enumerate(floors) for name in names
    }


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("protocol/engine/session.py", "protocol/esmtp/grammar.py"),
        ("protocol/esmtp/grammar.py", "protocol/classic/grammar.py"),
        ("storage/mailboxes/mbox.py", "storage/journal/journal.py"),
        ("storage/files.py", "storage/mailboxes/mbox.py"),
        ("storage/delivery/mover.py", "storage/stores/journalled.py"),
        ("reactor/loop.py", "reactor/stream/connection.py"),
        ("service/options.py", "service/client/smtpc.py"),
    ],
)
def test_an_import_that_leads_up_is_found(path: str, target: str) -> None:
    assert not descends(PurePath(path), PurePath(target))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("protocol/x.py", "import socket"),
        ("protocol/engine/x.py", "from time import time"),
        ("protocol/engine/x.py", "from storage import files"),
        ("conformance/x.py", "import socket"),
        ("conformance/probes/x.py", "from protocol.engine import table"),
        ("storage/x.py", "import reactor.loop"),
        ("storage/x.py", "from ..reactor import loop"),
        ("storage/journal/deep/x.py", "from ....reactor import loop"),
        ("reactor/x.py", "from carteiro.storage import files"),
        ("reactor/x.py", "from service import options"),
        ("service/x.py", "from service import options"),
        ("service/client/x.py", "import carteiro.service.options"),
    ],
)
def test_what_is_wrong_is_found_at_any_depth(path: str, text: str) -> None:
    assert faults(PurePath(path), text)


def test_what_is_right_is_let_pass_at_any_depth() -> None:
    assert not faults(PurePath("service/client/x.py"), "from reactor.loop import Reactor\nfrom ..options import told")
    assert not faults(PurePath("storage/journal/deep/x.py"), "from ...files import Files\nfrom . import y\nimport os")


@pytest.mark.parametrize("room", ["protocol", "reactor"])
def test_only_a_clock_that_is_passed_in_is_read_in_protocol(room: str) -> None:
    """`now`, `time` and `today` would be clocks. The reactor has one, which shows that this finds it."""
    calls = {
        node.func.attr
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert bool(calls & {"now", "utcnow", "today", "time", "monotonic"}) == (room == "reactor")


def test_the_reactor_has_never_heard_of_mail_nor_storage_of_smtp() -> None:
    for room, words in (("reactor", ("mail", "smtp")), ("storage", ("smtp", "session", "reply", "command"))):
        for path in (ROOT / room).rglob("*.py"):
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
