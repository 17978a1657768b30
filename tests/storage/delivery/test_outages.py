"""That mail is refused for a fault of ours is an error in the log, once when it begins and once when it is over."""

import errno
import os
from pathlib import Path

import pytest

from storage.stores.message import LARGE

from ...kit.disk import Watched
from ...kit.post import Post
from ...kit.server import Server

SMALL, BIG = b"x\r\n", b"x" * LARGE + b"y\r\n"


class Disk:
    """Has room, or not, for what is called by these names."""

    def __init__(self) -> None:
        self.full: tuple[str, ...] = ()
        self.files = Watched(self._before)

    def _before(self, _: int, name: str) -> None:
        if name in self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    ("content", "full", "what"),
    [(SMALL, ("write",), "journal"), (BIG, ("append",), "{}/.journal/spool")],
    ids=["the journal", "the spool of large messages"],
)
def test_no_room_is_said_once_and_room_again_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, full: tuple[str, ...], what: str
) -> None:
    disk = Disk()
    post = Post(tmp_path, files=disk.files)
    assert post.put(content) is None
    disk.full = full
    assert all("No space left" in str(post.put(content)) for _ in range(5))
    begun = [line for line in errors(caplog) if "refused" in line]
    assert len(begun) == 1 and begun[0].endswith(
        "No space left on device: mail is refused until that is over: make room on its disk"
    )
    disk.full = ()
    assert [post.put(content) for _ in range(5)] == [None] * 5
    assert [line for line in errors(caplog) if "again" in line] == [
        f"{what.format(tmp_path)}: mail is accepted again, after 0 s"
    ]
    post.store.close()


def test_that_small_messages_have_room_says_nothing_of_large_ones(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    post = Post(tmp_path, files=disk.files)
    for _ in range(3):
        disk.full = ("append",)
        post.commit(BIG)
        disk.full = ()
        post.commit(SMALL)
        post.store.settle()
    assert [str(fault) for _, fault in post.answers] == [f"{tmp_path}/.journal/spool: No space left on device", "None"] * 3
    assert len(errors(caplog)) == 1
    post.store.close()


def test_a_mailbox_that_is_none_is_said_under_quiet_too(tmp_path: Path) -> None:
    with Server(tmp_path, "--quiet") as server:
        path = server.mail_dir / "johndoe.txt"
        path.mkdir()
        for reply in (b"451", b"451", b"250", b"250"):
            if reply == b"250" and path.is_dir():
                path.rmdir()
            with server.connect() as client:
                client.say("helo me")
                assert client.mail(b"x\r\n")[:3] == reply
        lines = [line.split(" ", 2)[2] for line in server.log.splitlines()]
        begins = f"ERROR {path}: Is a directory: mail is refused until that is over: look there to see what is wrong"
        assert lines == [begins, f"ERROR {path}: mail is accepted again, after 0 s"]
