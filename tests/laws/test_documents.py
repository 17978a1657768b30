"""What the documents show happens as it is shown."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from protocol.classic.table import CLASSIC
from protocol.engine.environment import Policy, Site
from protocol.engine.session import Session
from protocol.esmtp.table import ESMTP

from ..kit.documents import blocks
from ..kit.notebook import Notebook
from ..kit.support import ROOT, Client, MemoryStore, find_user

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_prose_fits_a_page(path: Path) -> None:
    text = re.sub(r"(?ms)^```.*?^```$", "", path.read_text())
    assert [line for line in text.splitlines() if len(line) > 140 and not line.startswith("|")] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


@pytest.mark.parametrize("name", ["README.md", "README.pt.md"])
def test_the_session_of_the_readme_is_what_a_client_hears(name: str) -> None:
    """In it what the server says begins with a reply code, and what is typed does not."""
    (shown,) = (block for block in blocks(name, "text") if block.startswith("$ telnet"))
    lines = shown.replace("carteiro.example", "mx.test").splitlines()[1:]
    client = Client(CLASSIC)
    heard = client.hear()
    for line in lines:
        if re.match(r"\d{3} ", line):
            assert heard.pop(0).decode() == line
        else:
            assert not heard
            heard = client.say(line)
    assert not heard and sum(line.startswith("500 ") for line in lines) == 1


def test_the_moves_that_are_shown_are_those_of_a_session() -> None:
    (script,) = (block for block in blocks("docs/table.md", "sh") if block.startswith("printf"))
    (shown,) = (block for block in blocks("docs/table.md", "text") if block.startswith("S: "))
    notes, store = Notebook(), MemoryStore()
    site = Site(CLASSIC, b"carteiro.example", find_user, store, lambda: 0.0, 1000, 0, Policy())
    session = Session(site, "192.0.2.1", lambda *_: None, lambda: None, False, notes)
    session.open()
    *lines, content, dot, end = shlex.split(script.partition(" | ")[0])[2:]
    for line in (*lines, f"{content}\r\n{dot}", end):  # as bin/smtpc sends them
        session.receive(line.encode() + b"\r\n")
        store.settle()
        session.resume()
    assert [line.strip() for line in shown.splitlines()] == [line.strip() for line in notes.lines]


def test_the_dialogue_of_rfc_5321_is_what_a_client_hears() -> None:
    (shown,) = (block for block in blocks("docs/esmtp.md", "text") if block.startswith("S: "))
    client = Client(ESMTP, max_message_size=25 << 20)
    heard = client.hear()
    for line in shown.replace("mx.example.org", "mx.test").splitlines():
        if line.startswith("S: "):
            assert heard.pop(0).decode() == line[3:]
        else:
            assert not heard
            heard = client.say(line[3:])
    assert not heard


def test_a_document_has_one_title() -> None:
    for path in PAGES:
        levels = [len(hashes) for hashes in re.findall(r"(?m)^(#+) ", re.sub(r"(?ms)^```.*?^```$", "", path.read_text()))]
        assert levels[0] == 1 and levels.count(1) == 1, path.name
        assert all(after <= before + 1 for before, after in pairwise(levels)), path.name


def test_paths_in_documents_exist() -> None:
    """Of what stands in code and looks like a module, a folder or a document of ours."""
    for path in PAGES:
        for name in re.findall(r"`((?:bin|bench|docs|protocol|reactor|service|storage|tests)/[\w./-]*)`", path.read_text()):
            assert (ROOT / name).exists(), f"{path.name}: {name}"
