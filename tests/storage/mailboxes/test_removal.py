"""Removing messages: what is meant goes, everything else stays, whatever happens meanwhile."""

import fcntl
import multiprocessing
import os
import stat
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.files import DIRECTORY, Files, IsLocked
from storage.mailboxes.letter import Letter
from storage.mailboxes.mbox import MboxMailboxes
from storage.mailboxes.reader import MboxReader
from storage.mailboxes.removal import MaildirRemover, MboxRemover

from ...kit.disk import CHANGES, Watched


def message(number: int, text: str = "hello") -> bytes:
    return b"From a@b Thu Nov 26 09:00:00 2026\nSubject: n%d\n\n%b\n\n" % (number, text.encode())


def box(directory: Path, *messages: bytes, name: str = "ana") -> Path:
    path = directory / f"{name}.txt"
    path.write_bytes(b"".join(messages))
    return path


def places(directory: Path, mailbox: str = "ana") -> list[str]:
    reader = MboxReader(directory)
    try:
        return [entry.place for entry in reader.entries(mailbox)]
    finally:
        reader.close()


def numbered(*numbers: int) -> Callable[[bytes], bool]:
    wanted = {b"\nSubject: n%d\n" % number for number in numbers}
    return lambda octets: any(subject in octets for subject in wanted)


@given(kept=st.lists(st.booleans(), max_size=12), data=st.data())
def test_exactly_what_is_meant_goes(kept: list[bool], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("removal")
    messages = [message(number, "x" * data.draw(st.integers(0, 3))) for number in range(len(kept))]
    path = box(directory, *messages)
    gone = [number for number, stays in enumerate(kept) if not stays]
    remover = MboxRemover(directory)
    assert remover.remove("ana", places(directory), numbered(*gone)) == len(gone)
    remover.close()
    assert path.read_bytes() == b"".join(each for each, stays in zip(messages, kept, strict=True) if stays)
    assert [name.name for name in directory.iterdir() if name.name.endswith(".lock")] == []


def test_one_that_moved_is_found_by_its_size(tmp_path: Path) -> None:
    path = box(tmp_path, message(1), message(2), message(33))
    old = places(tmp_path)
    box(tmp_path, message(2), message(33))
    remover = MboxRemover(tmp_path)
    assert remover.remove("ana", [old[1]], numbered(2)) == 1
    assert path.read_bytes() == message(33)


def test_the_file_keeps_its_mode(tmp_path: Path) -> None:
    path = box(tmp_path, message(1), message(2), message(3))
    path.chmod(0o640)
    assert MboxRemover(tmp_path).remove("ana", places(tmp_path), numbered(2)) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["missing", "../ana", ""])
def test_what_is_no_mailbox_has_nothing_to_remove(name: str, tmp_path: Path) -> None:
    box(tmp_path / "..", message(1))
    remover = MboxRemover(tmp_path)
    try:
        assert remover.remove(name, ["0+70"], lambda octets: True) == 0
    except FileNotFoundError:
        assert name != "missing"
    assert (tmp_path / "../ana.txt").read_bytes() == message(1)


def test_a_file_that_does_not_begin_with_a_message_stays(tmp_path: Path) -> None:
    octets = b"something else\n\n" + message(1)
    path = box(tmp_path, octets)
    assert MboxRemover(tmp_path).remove("ana", [f"0+{len(octets)}", "16+70"], lambda octets: True) == 0
    assert path.read_bytes() == octets


def test_a_mailbox_that_is_written_to_without_a_lock_is_left_alone(tmp_path: Path) -> None:
    path = box(tmp_path, message(1), message(2))

    def is_meant(octets: bytes) -> bool:
        with path.open("ab") as file:
            file.write(message(3))
        return b"n2" in octets

    assert MboxRemover(tmp_path).remove("ana", places(tmp_path)[1:], is_meant) == 0
    assert path.read_bytes().startswith(message(1) + message(2) + message(3))


def test_a_locked_mailbox_is_left_alone(tmp_path: Path) -> None:
    path = box(tmp_path, message(1), message(2))
    remover = MboxRemover(tmp_path)
    held = os.fork()
    if held == 0:
        with path.open("rb+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            (tmp_path / "held").touch()
            os.read(0, 0)
            while not (tmp_path / "end").exists():
                pass
        os._exit(0)
    while not (tmp_path / "held").exists():
        pass
    with pytest.raises(IsLocked):
        remover.remove("ana", places(tmp_path), numbered(1))
    (tmp_path / "end").touch()
    os.waitpid(held, 0)
    (tmp_path / "ana.txt.lock").write_text("another program's")
    with pytest.raises(IsLocked):
        remover.remove("ana", places(tmp_path), numbered(1))
    (tmp_path / "ana.txt.lock").unlink()
    assert remover.remove("ana", places(tmp_path), numbered(1)) == 1


@pytest.mark.parametrize("is_dead", [False, True], ids=["fails", "dies"])
def test_a_call_that_fails_leaves_the_mailbox_as_it_was_or_as_it_should_be(is_dead: bool, tmp_path: Path) -> None:
    """At every call that changes something; one that dies cleans nothing up."""
    before, after = [message(1), message(2), message(3)], [message(1), message(3)]
    seen = set()
    for at in range(1, 40):
        directory = tmp_path / str(at)
        directory.mkdir()
        path = box(directory, *before)
        calls: list[str] = []

        def fail(number: int, name: str, at: int = at, calls: list[str] = calls) -> None:
            if name in CHANGES:
                calls.append(name)
                if len(calls) == at or (is_dead and len(calls) > at):
                    raise OSError(5, "planted")

        try:
            MboxRemover(directory, Watched(fail)).remove("ana", places(directory), numbered(2))
        except OSError:
            seen.add(calls[at - 1])
        assert path.read_bytes() in (b"".join(before), b"".join(after))
        left = list(directory.glob(".rewritten-*"))
        MboxRemover(directory).close()
        assert list(directory.glob(".rewritten-*")) == left, "another process may be writing to it"
        for path_left in left:
            os.utime(path_left, (0, 0))
        MboxRemover(directory).close()
        (directory / "ana.txt.lock").unlink(missing_ok=True)
        assert [name.name for name in directory.iterdir() if name.name not in (".journal", "ana.txt")] == []
    assert {"append", "sync", "rename"} <= seen, "faults were planted where it matters"


def deliver(directory: Path, count: int) -> None:
    files = Files()
    mailboxes = MboxMailboxes(files, os.open(directory, DIRECTORY), directory)
    for number in range(count):
        while True:
            try:
                mailbox = mailboxes.open("ana")
                break
            except IsLocked:
                continue
        content = b"Subject: d%d\r\n\r\nx\r\n" % number
        deque(mailbox.append([Letter("id", 0.0, b"a@b", (b"ana",), b"", partial(iter, [content]))]), maxlen=0)
        mailbox.close()


def test_deliveries_meanwhile_are_kept(tmp_path: Path) -> None:
    count = 300
    box(tmp_path, *(message(number) for number in range(count)))
    delivery = multiprocessing.get_context("fork").Process(target=deliver, args=(tmp_path, count))
    delivery.start()
    remover, removed, tries = MboxRemover(tmp_path), 0, 0
    while removed < count and tries < 100_000:
        tries += 1
        try:
            removed += remover.remove("ana", places(tmp_path), numbered(removed))
        except IsLocked:
            continue
    delivery.join()
    octets = (tmp_path / "ana.txt").read_bytes()
    assert delivery.exitcode == 0 and removed == count
    assert [octets.count(b"\nSubject: d%d\n" % number) for number in range(count)] == [1] * count
    assert octets.count(b"\nSubject: n") == 0


def test_a_maildir_loses_the_file_whatever_its_flags(tmp_path: Path) -> None:
    for part in ("new", "cur", "tmp"):
        (tmp_path / "ana" / part).mkdir(parents=True)
    (tmp_path / "ana/new/1.a.host").write_bytes(b"Subject: n1\n\nx\n")
    (tmp_path / "ana/new/2.b.host").write_bytes(b"\nSubject: n2\n\nx\n")
    remover = MaildirRemover(tmp_path)
    assert remover.remove("ana", ["2.b.host"], lambda octets: False) == 0
    (tmp_path / "ana/new/2.b.host").rename(tmp_path / "ana/cur/2.b.host:2,S")
    assert remover.remove("ana", ["2.b.host", "3.c.host"], numbered(2)) == 1
    assert sorted(path.name for path in tmp_path.glob("ana/*/*")) == ["1.a.host"]
    remover.close()
