"""The counting checker against a real server that is killed, and against mailboxes that were tampered with."""

import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ..kit.counting import PROGRAM, Storm, counted, free_port
from ..kit.server import Server
from ..kit.support import USERS

TO = [word for name in USERS for word in ("--to", name)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("store", "dialect", "several"), [("mbox", "classic", 0), ("maildir", "esmtp", 7)])
def test_a_server_that_is_killed_loses_nothing(tmp_path: Path, store: str, dialect: str, several: int) -> None:
    ports = [free_port(), free_port()]
    listen = [word for port in ports for word in ("--listen", f"127.0.0.1:{port}")]
    flags = ("--quiet", "--store", store, "--dialect", dialect, *listen)
    history = tmp_path / "history"
    storm = None
    try:
        for _ in range(3):
            with Server(tmp_path, *flags) as server:
                storm = storm or Storm(history, ports, *TO, "--clients", 8, "--large-every", 100, "--several-every", several)
                storm.acknowledge(200)
                server.stop(signal.SIGKILL)
        with Server(tmp_path, *flags):
            assert storm
            storm.acknowledge(50)
            said = storm.stop()
            code, figures = counted(history, "--directory", tmp_path / "mailboxes", "--wait", 20)
    finally:
        if storm:
            storm.kill()
    assert (code, figures["faults"]) == (0, [])
    assert figures["acknowledged"] >= 650 and said.startswith("sent ")
    assert figures["unanswered"] > 0, "it was killed at work"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a history, and the mail of it."""
    directory = tmp_path_factory.mktemp("done")
    with Server(directory, "--quiet", "--dialect", "esmtp") as server:
        where = f"127.0.0.1:{server.port}"
        mail = ("--directory", directory / "mailboxes", "--wait", 20)
        ended = run("--send", where, *TO, "--clients", 1, "--messages", 30, *mail, directory / "history")
        assert ended.returncode == 0 and "acknowledged             30" in ended.stdout, ended
        assert server.stop() == 0
    return directory


def without(text: bytes) -> bytes:
    """The text without its first message."""
    return text[text.index(b"\nFrom smtpcount@", 1) + 1 :]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("lost", without),
        ("twice", lambda text: text + text[: len(text) - len(without(text))]),
        ("damaged", lambda text: re.sub(rb"\n\.\.\n", rb"\n.\n", text, count=1)),
        ("damaged", lambda text: text[:-40]),
    ],
)
def test_each_thing_that_was_done_to_a_mailbox_is_found(
    done: Path, tmp_path: Path, kind: str, change: Callable[[bytes], bytes]
) -> None:
    shutil.copytree(done / "mailboxes", tmp_path / "mailboxes")
    # Recipients take turns and each seventh message has two: in this file the first and the last message have one.
    box = tmp_path / "mailboxes" / "babydoe.txt"
    before = box.read_bytes()
    box.write_bytes(change(before))
    assert box.read_bytes() != before
    code, figures = counted(done / "history", "--directory", tmp_path / "mailboxes")
    assert code == 1 and figures[kind] == len(figures["faults"]) == 1
    shown = run("--directory", tmp_path / "mailboxes", done / "history")
    assert shown.returncode == 1 and re.search(rf"(?m)^{kind}: \w+-\d+ for babydoe", shown.stdout)


def test_a_mailbox_that_is_gone_is_found(done: Path, tmp_path: Path) -> None:
    shutil.copytree(done / "mailboxes", tmp_path / "mailboxes")
    (tmp_path / "mailboxes" / "johndoe.txt").unlink()
    code, figures = counted(done / "history", "--directory", tmp_path / "mailboxes")
    assert code == 1 and figures["half"] > 0 and figures["lost"] > 5


def test_what_cannot_be_done_is_one_line(done: Path, tmp_path: Path) -> None:
    closed = free_port()
    for arguments, words in (
        ([done / "history"], "say what to do: --send HOST:PORT to send, or"),
        ([done / "history", "--send", "localhost"], "'localhost' is not HOST:PORT"),
        ([done / "history", "--send", "127.0.0.1:25"], "is there already: name a new file"),
        ([done / "history", "--directory", done, "--database", "x"], "count in one place"),
        ([done / "history", "--directory", tmp_path / "nowhere"], "nowhere: No such file or directory"),
        ([tmp_path / "none", "--directory", done], "none: No such file or directory"),
        ([done / "users.txt", "--directory", done], "users.txt:1: this is no line of a history"),
        ([tmp_path / "x", "--send", f"127.0.0.1:{closed}", "--seconds", "0.5"], "no message could be sent: 127.0.0.1"),
        ([tmp_path / "y", "--send", "127.0.0.1:25", "--to", "a b"], "'a b' is no recipient"),
        ([tmp_path / "z", "--pop3", "127.0.0.1:110"], "--pop3 and --passwords go together"),
        ([tmp_path / "1", tmp_path / "2", "--send", "127.0.0.1:25"], "one run has one history"),
    ):
        ended = run(*arguments)
        assert ended.returncode == 2 and ended.stderr.startswith("smtpcount: ") and words in ended.stderr, ended
        assert ended.stderr.count("\n") == 1, ended.stderr


def test_when_nothing_was_acknowledged_nothing_is_proved(tmp_path: Path) -> None:
    with Server(tmp_path, "--quiet", users=["somebody"]) as server:
        where = f"127.0.0.1:{server.port}"
        ended = run("--send", where, "--messages", 3, "--directory", tmp_path / "mailboxes", tmp_path / "history")
    assert ended.returncode == 2 and "nothing was acknowledged, so nothing is proved" in ended.stderr
    assert re.search(r"(?m)^refused +3$", ended.stdout)
