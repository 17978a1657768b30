"""Verbatim content: octet for octet in either kind of mailbox, whatever happens before it is there."""

import itertools
import mailbox
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.journal.records import Record, decode, encode
from storage.mailboxes import mboxrd
from storage.mailboxes.fields import headed
from storage.mailboxes.letter import Letter
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.discard import DiscardStore

from ...kit.post import TRACE, MailboxKind, Post
from ...kit.support import once, with_header

FIELDS = b"Return-Path: <a@b>\nDelivered-To: johndoe\n" + TRACE.replace(b"\r\n", b"\n")
BINARY = b"Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\r\rFrom me\nFrom you\r\n>From them\n\r\n\r\n\xff\r"
IN_MBOX = BINARY.replace(b"\nFrom you", b"\n>From you").replace(b">From them", b">>From them")

KINDS = pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes])
SPOOLED = pytest.mark.parametrize("is_spooled", [False, True], ids=["in the journal", "spooled"])


@pytest.fixture
def directory(tmp_path: Path, is_spooled: bool, monkeypatch: pytest.MonkeyPatch) -> Path:
    if is_spooled:
        monkeypatch.setattr("storage.stores.message.LARGE", 20)
    return tmp_path / "mail"


def stored(directory: Path, kind: MailboxKind) -> list[bytes]:
    """What is in the mailbox after the fields that it adds, the oldest first."""
    if kind is MaildirMailboxes:
        paths = sorted((directory / "johndoe" / "new").iterdir(), key=lambda path: int(path.name.split(".")[3], 16))
        texts = [path.read_bytes() for path in paths]
    else:
        whole = (directory / "johndoe.txt").read_bytes()
        texts = re.split(rb"(?m)^From a@b .*\n", whole)[1:]
    assert all(text.startswith(FIELDS) for text in texts)
    return [text.removeprefix(FIELDS) for text in texts]


@SPOOLED
def test_in_a_mailbox_file_word_for_word(directory: Path, is_spooled: bool) -> None:
    post = Post(directory)
    assert post.put(BINARY, is_verbatim=True) is None and post.put(b"\r\nx\r\n", is_verbatim=True) is None
    assert stored(directory, MboxMailboxes) == [IN_MBOX + b"\n\n", b"\r\nx\r\n\n"]
    assert post.put(BINARY) is None
    assert stored(directory, MboxMailboxes)[2] == IN_MBOX.replace(b"\r\n", b"\n") + b"\n\n"
    post.store.close()


@SPOOLED
def test_in_a_maildir_word_for_word(directory: Path, is_spooled: bool) -> None:
    post = Post(directory, MaildirMailboxes)
    assert post.put(BINARY, is_verbatim=True) is None and post.put(b"", is_verbatim=True) is None
    assert stored(directory, MaildirMailboxes) == [BINARY, b"\n"]
    post.store.close()


@pytest.mark.parametrize(
    ("content", "before"),
    [
        (b"A: b\r\n\r\nx", b""),
        (b"\r\nx", b""),
        (b"\nx", b""),
        (b"\rx", b"\n"),
        (b"\r\r\nx", b"\n"),
        (b"x\r\nA: b", b"\n"),
        (b"\0: b\r\n", b"\n"),
        (b"", b"\n"),
    ],
)
def test_a_blank_line_is_put_before_content_that_has_no_header(content: bytes, before: bytes) -> None:
    letter = Letter("1", 0.0, b"a", [b"b"], b"C: d\r\n", lambda: iter([content]), is_verbatim=True)
    assert b"".join(headed(letter, letter.content())) == b"Return-Path: <a>\nDelivered-To: b\nC: d\n" + before + content


# Through a crash


@KINDS
@SPOOLED
def test_what_a_killed_server_left_is_put_in_verbatim(directory: Path, is_spooled: bool, kind: MailboxKind) -> None:
    post = Post(directory, kind)
    post.commit(BINARY, is_verbatim=True)
    post.commit(BINARY)
    post.store.settle()
    assert bool(list((directory / ".journal" / "spool").iterdir())) == is_spooled
    post.store._opened.close()
    Post(directory, kind).store.close()
    text = IN_MBOX if kind is MboxMailboxes else BINARY
    end = b"\n\n" if kind is MboxMailboxes else b""
    assert stored(directory, kind) == [text + end, text.replace(b"\r\n", b"\n") + end]


@KINDS
@SPOOLED
def test_what_was_moved_before_is_found_again(
    directory: Path, is_spooled: bool, kind: MailboxKind, caplog: pytest.LogCaptureFixture
) -> None:
    post = Post(directory, kind)
    for number in range(3):
        assert post.put(b"\r\n%d\r\n" % number, is_verbatim=True) is None
    before = stored(directory, kind)
    post.store._opened.close()
    Post(directory, kind).store.close()
    assert stored(directory, kind) == before and len(before) == 3 and "another program" not in caplog.text


@SPOOLED
def test_what_is_looked_for_in_a_changed_mailbox_is_compared_octet_for_octet(
    directory: Path, is_spooled: bool, caplog: pytest.LogCaptureFixture
) -> None:
    post = Post(directory)
    for number in range(3):
        assert post.put(b"N: %d\r\n\r\n\0long enough for the spool\r\n" % number, is_verbatim=True) is None
    post.store._opened.close()
    path = directory / "johndoe.txt"
    first, second, third = stored(directory, MboxMailboxes)
    path.write_bytes(path.read_bytes().replace(second, second.replace(b"\r\n", b"\n")))
    Post(directory).store.close()
    assert stored(directory, MboxMailboxes) == [first, second.replace(b"\r\n", b"\n"), third, second]
    assert "2 messages are there unchanged, 1 are put in" in caplog.text


# In the journal


def _encoded(record: Record) -> bytes:
    length, pieces = encode(record)
    assert length == sum(map(len, pieces))
    return b"".join(pieces)


def test_a_record_of_before_verbatim_content_is_read_as_it_was() -> None:
    fixed = b"M" + b"\0\0\0\0\0\0\0\7" + b"\0\0\0\0\0\0\0\3" + b"\0\0\0\x09" + b"\0\0\0\1"
    fields = b"\0\0\0\1i" + b"\0\0\0\1r" + b"\0\0\0\1t" + b"\0\0\0\1b" + b"\0\0\0\1f"
    record = Record("i", 7, b"r", {"b": (b"f",)}, b"t", b"x\r\n", 3, 9)
    assert decode(fixed + fields + b"x\r\n") == record and _encoded(record) == fixed + fields + b"x\r\n"
    assert decode(b"S" + fixed[1:] + fields) == record._replace(content=None)
    assert decode(b"m" + fixed[1:] + fields + b"x\r\n") == record._replace(is_verbatim=True)
    assert decode(b"s" + fixed[1:] + fields) == record._replace(is_verbatim=True, content=None)


@given(st.one_of(st.none(), st.binary(max_size=20), st.just(b"long\0" * 5000)), st.booleans())
def test_a_record_comes_back(content: bytes | None, is_verbatim: bool) -> None:
    record = Record("1.2", 3_500_000, b"a@b", {"josé": (b"c",), "d": (b"e", b"f")}, b"T: u\r\n", content, 1, 2, is_verbatim)
    assert decode(_encoded(record)) == record


def test_a_store_that_keeps_nothing_takes_it() -> None:
    store = DiscardStore()
    answers: list[object] = []
    message = store.begin(b"a@b", [("johndoe", b"c")], True)
    message.write(BINARY)
    message.commit(once(answers.append))
    store.settle()
    assert answers == [None]


# Whatever it is


CONTENT = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from([b"From ", b">From x", b"\n", b"\r\n", b"\r", b"\0", b"A: b\r\n", b"\r\nFrom x", b"From x\n\n"]),
    ),
    max_size=8,
).map(b"".join)


def with_blank_line(content: bytes) -> bytes:
    """Content that begins neither with a header field nor with a blank line has one before it."""
    return with_header(content, (b"\n", b"\r\n"))


def with_end(text: bytes) -> bytes:
    """A mailbox file's last line ends."""
    return text if text.endswith(b"\n") else text + b"\n"


@given(st.lists(CONTENT, max_size=4), st.booleans())
def test_any_bytes_come_back_from_a_mailbox_file(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], is_spooled: bool
) -> None:
    directory = tmp_path_factory.mktemp("mail")
    deliver(directory, MboxMailboxes, contents, is_spooled)
    box = mailbox.mbox(directory / "johndoe.txt")
    found = [box.get_bytes(key) for key in box.iterkeys()]
    box.close()
    assert all(text.startswith(FIELDS) for text in found)
    unquoted = [re.sub(rb"(?m)^>(>*From )", rb"\1", text.removeprefix(FIELDS)) for text in found]
    assert unquoted == [with_end(with_blank_line(content)) for content in contents]


@given(st.lists(CONTENT, max_size=4), st.booleans())
def test_any_bytes_come_back_from_a_maildir(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], is_spooled: bool
) -> None:
    directory = tmp_path_factory.mktemp("mail")
    deliver(directory, MaildirMailboxes, contents, is_spooled)
    found = stored(directory, MaildirMailboxes) if contents else []
    assert found == [with_blank_line(content) for content in contents]


def deliver(directory: Path, kind: MailboxKind, contents: list[bytes], is_spooled: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storage.stores.message.LARGE", 0 if is_spooled else 1000)
        patch.setattr("storage.journal.format.SIZE", 65536)
        post = Post(directory, kind)
        for content in contents:
            post.commit(content, is_verbatim=True)
        post.store.settle()
        post.store.close()


@given(CONTENT, st.lists(st.integers(0, 30)))
def test_where_verbatim_content_is_cut_makes_no_difference(content: bytes, cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(content)]
    pieces = [content[start:end] for start, end in itertools.pairwise(ends)]
    whole = b"".join(mboxrd.quoted(pieces))
    assert whole == b"".join(mboxrd.quoted([content]))
    assert re.sub(rb"(?m)^>(>*From )", rb"\1", whole) == content
