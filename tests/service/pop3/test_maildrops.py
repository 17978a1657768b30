"""Mailboxes locked for a session, on a real disk: what is in them, what others do meanwhile, and what is removed."""

import mailbox
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from protocol.pop3.outside import Maildrop, Message, Unopened
from service.kinds import KINDS
from service.pop3 import gathering, maildrops
from service.pop3.maildrops import Maildrops

from ...kit.asking import Asking

LARGE = b"Subject: large\n\n" + b"a line of text\n" * 100_000


class Post(Asking):
    """Mailboxes in a directory, with a loop that runs until an answer is there."""

    def __init__(self, place: Path, kind: str) -> None:
        self.place, self.kind = place, kind
        super().__init__()
        self.maildrops = Maildrops(self.reactor, place, KINDS[kind])

    def put(self, *contents: bytes) -> None:
        box = self._box()
        for content in contents:
            box.add(content)
        box.close()

    def _box(self) -> "mailbox.Mailbox[mailbox.Message]":
        path = self.place / ("ana.txt" if self.kind == "mbox" else "ana")
        return mailbox.mbox(str(path)) if self.kind == "mbox" else mailbox.Maildir(str(path))

    def change(self, change: Callable[["mailbox.Mailbox[mailbox.Message]"], None]) -> None:
        """What another program does."""
        box = self._box()
        change(box)
        box.close()

    def open(self, name: bytes = b"ana") -> Maildrop | Unopened:
        result: Maildrop | Unopened = self.asked(lambda answer: self.maildrops.open(name, answer))
        return result

    def opened(self) -> Maildrop:
        box = self.open()
        assert not isinstance(box, Unopened), box
        return box

    def fetched(self, box: Maildrop, index: int) -> bytes | None:
        message: Message | None = self.asked(lambda answer: box.fetch(index, answer))
        if message is None:
            return None
        pieces = []
        while piece := self.asked(message.read):
            assert piece is not None
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        self.maildrops.close()
        self.reactor.close()


@pytest.fixture(params=["mbox", "maildir"])
def post(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Post]:
    post = Post(tmp_path, request.param)
    yield post
    post.close()


ONE, TWO, THREE = b"Subject: one\n\ntext\n", b"Subject: two\n\n>From me\n", b"Subject: three\n\n"


def test_what_is_put_in_is_listed_and_read(post: Post) -> None:
    post.put(ONE, LARGE)
    box = post.opened()
    assert sorted(entry.size for entry in box.entries) == sorted([len(ONE) + 3, len(LARGE) + LARGE.count(b"\n")])
    assert {post.fetched(box, index) for index in range(2)} == {ONE, LARGE}
    assert len({entry.id for entry in box.entries}) == 2


def test_a_mailbox_that_is_missing_is_empty(post: Post) -> None:
    assert post.opened().entries == ()


@pytest.mark.parametrize("name", [b"", b"../ana", b".ana", b"\xff", b"a/b", b"@x"])
def test_a_name_that_cannot_be_a_mailboxs(post: Post, name: bytes) -> None:
    assert post.open(name) is Unopened.FAILED


def test_only_one_session_at_a_time(post: Post) -> None:
    post.put(ONE)
    box = post.opened()
    assert post.open() is post.open(b"ANA@here.example") is Unopened.IN_USE
    box.close()
    assert len(post.opened().entries) == 1


def test_what_comes_meanwhile_is_seen_in_the_next_session(post: Post) -> None:
    post.put(ONE)
    box = post.opened()
    first = box.entries
    post.put(TWO)
    assert post.fetched(box, 0) == ONE
    box.close()
    box = post.opened()
    assert len(box.entries) == 2 and first[0] in box.entries


def test_ids_stay_when_a_mail_program_rewrites_the_mailbox(post: Post) -> None:
    post.put(ONE, TWO, THREE)
    box = post.opened()
    ids = {entry.id for entry in box.entries}

    def read_all(other: "mailbox.Mailbox[mailbox.Message]") -> None:
        for key, message in other.items():
            if hasattr(message, "set_flags"):
                message.set_flags("RO" if post.kind == "mbox" else "S")
            other[key] = message

    post.change(read_all)
    assert {post.fetched(box, index) is not None for index in range(3)} == {True}, "those that moved are found"
    box.close()
    assert {entry.id for entry in post.opened().entries} == ids


def test_only_what_is_meant_is_removed(post: Post) -> None:
    post.put(ONE, TWO, THREE)
    box = post.opened()
    kept = [post.fetched(box, index) for index in (0, 2)]
    post.put(LARGE)
    assert post.asked(lambda answer: box.remove([1], answer)) is True
    box.close()
    box = post.opened()
    assert sorted(str(post.fetched(box, index)) for index in range(3)) == sorted(map(str, [*kept, LARGE]))


def test_a_message_that_another_program_has_removed(post: Post) -> None:
    post.put(ONE, TWO)
    box = post.opened()
    post.change(lambda other: other.clear())
    assert post.fetched(box, 0) is None
    assert post.asked(lambda answer: box.remove([0, 1], answer)) is True, "it is not there any more"


def test_a_session_that_leaves_at_once_unlocks(post: Post) -> None:
    post.put(*[LARGE] * 3)
    cancel = post.maildrops.open(b"ana", lambda box: pytest.fail("nobody wants it any more"))
    cancel()
    for _ in range(1000):
        if isinstance(post.open(), Unopened):
            post.reactor.turn_within(0.01)
            post.reactor.turn()
        else:
            return
    pytest.fail("it is locked for ever")


def test_of_a_mailbox_with_too_many_messages_the_first_ones_are_seen(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_MESSAGES", 2)
    post.put(ONE, TWO, THREE)
    assert len(post.opened().entries) == 2


def test_when_too_much_is_open_others_wait(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maildrops, "MOST_OPEN", 1)
    post.put(ONE)
    box = post.opened()
    assert post.open(b"jo") is Unopened.BUSY
    box.close()
    assert not isinstance(post.open(b"jo"), Unopened)


def test_a_mailbox_that_another_program_has_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(maildrops, "LOCK_PATIENCE", 0.3)
    post = Post(tmp_path, "mbox")
    post.put(ONE)
    lock = tmp_path / "ana.txt.lock"
    lock.write_text("1")
    assert post.open() is Unopened.FAILED
    lock.unlink()
    assert not isinstance(post.open(), Unopened)
    assert [record.levelname for record in caplog.records] == ["WARNING"], "that it is locked, and no error of ours"
    post.close()
