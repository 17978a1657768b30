"""The test of a file is found by the path of the file: tests/ has the folders that the rooms have, and a few of its own."""

from pathlib import PurePath

import pytest

from ..kit.support import ROOT
from .test_layering import MODULES, imports

TESTS = ROOT / "tests"
OWN = {"cluster", "kit", "laws", "programs", "dialogues", "fuzz"}
"""Folders of no room: what tests share, house rules, programs as processes, dialogues in files, clusters, fuzzing."""

CODE = [path.relative_to(ROOT) for path in MODULES]
FILES = sorted(path.relative_to(TESTS) for path in TESTS.rglob("*.py"))


def fault(path: PurePath) -> str:
    """What is wrong with the place of a file, whose path begins in tests/; nothing if it is right."""
    if (path.parts[0] in OWN and len(path.parts) > 1) or str(path) in ("__init__.py", "conftest.py"):
        return ""
    if path.parent not in {module.parent for module in CODE}:
        return f"no room is called {path.parent}"
    places = [module.parent for module in CODE if path.name == f"test_{module.name}"]
    return f"it belongs into one of {places}" if places and path.parent not in places else ""


def test_each_file_lies_where_its_room_is() -> None:
    assert not {str(path): fault(path) for path in FILES if fault(path)}


@pytest.mark.parametrize("folder", sorted(OWN))
def test_the_other_folders_are_there_and_no_rooms(folder: str) -> None:
    assert any((TESTS / folder).glob("test_*.py")) == (folder != "kit")
    assert not (ROOT / folder).exists()


@pytest.mark.parametrize(
    "path",
    ["test_x.py", "kit.py", "x/test_x.py", "reactor/x/test_x.py", "reactor/test_tls.py", "storage/stores/test_journal.py"],
)
def test_a_file_that_lies_elsewhere_is_found(path: str) -> None:
    assert fault(PurePath(path))


def borrowed(path: PurePath, text: str) -> list[str]:
    """The tests of another room that a file imports from. What rooms share is in tests/kit."""
    found = [name for level, name, _ in imports(text) if level != 1]
    return [name for name in found if name.rpartition(".")[2].startswith("test_") and path.parts[0] != "laws"]


def test_what_the_tests_of_rooms_share_is_in_the_kit() -> None:
    assert not {str(path): found for path in FILES if (found := borrowed(path, (TESTS / path).read_text()))}
    assert borrowed(PurePath("storage/test_x.py"), "from ..web.test_y import z\n") == ["web.test_y"]
