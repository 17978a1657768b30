"""Mailboxes are read without a lock: each message by its place, in either direction, while they grow and change."""

import mailbox
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.mailboxes import mbox_entries as module
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.mailboxes.reader import FEW, LITTLE, MaildirReader, MboxReader
from storage.mailboxes.reading import Reader

from ...kit.post import MailboxKind, Post

KINDS = pytest.mark.parametrize(("kind", "reader"), [(MboxMailboxes, MboxReader), (MaildirMailboxes, MaildirReader)])
OpenReader = Callable[[Path], Reader]

PIECES = (b"", b"x\n", b"From y\n", b"\nFrom z\n", b"a: b\n\nFrom here\n\n", b">From\n\n\n", b"F" * 70, b"\n" * 9)
CONTENTS = st.lists(st.sampled_from(PIECES), max_size=8)


def texts(reader: Reader, newest_first: bool = False) -> list[bytes]:
    found = []
    for entry in reader.entries("johndoe", newest_first):
        text = reader.read("johndoe", entry.place)
        assert text is not None and entry.size in (len(text), 0)
        found.append(text)
    return found


def as_python_reads(directory: Path, kind: MailboxKind) -> list[bytes]:
    if kind is MboxMailboxes:
        box = mailbox.mbox(directory / "johndoe.txt", create=False)
        return [box.get_bytes(key, from_=True) for key in sorted(box.iterkeys())]
    paths = [path for part in ("new", "cur") for path in (directory / "johndoe" / part).glob("*")]
    return [path.read_bytes() for path in sorted(paths, key=lambda path: path.name)]


@KINDS
@given(contents=CONTENTS, block=st.integers(6, 40))
def test_it_reads_what_pythons_mailbox_reads(
    kind: MailboxKind, reader: OpenReader, contents: list[bytes], block: int
) -> None:
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        post = Post(Path(name) / "mail", kind)
        for content in contents:
            assert post.put(content) is None
        post.store.close()
        opened = reader(post.directory)
        expected = as_python_reads(post.directory, kind) if contents else []
        found = texts(opened)
        assert [text.rstrip(b"\n") for text in found] == [text.rstrip(b"\n") for text in expected], "Python leaves some out"
        assert texts(opened, newest_first=True) == found[::-1]
        assert opened.mailboxes() == (["johndoe"] if contents else [])
        opened.close()


@KINDS
def test_what_is_missing_or_no_mailbox_is_nothing(tmp_path: Path, kind: MailboxKind, reader: OpenReader) -> None:
    post = Post(tmp_path / "mail", kind)
    assert post.put(b"x\n") is None
    opened = reader(post.directory)
    (entry,) = opened.entries("johndoe")
    for box in ("nobody", "", ".journal", "..", "../mail/johndoe", "johndoe/", "a\0b", "johndoe.txt/x"):
        assert list(opened.entries(box)) == [] and opened.read(box, entry.place) is None
    for place in ("", "x", "0+99999", "1+3", "-1+5", "9" * 30 + "+1", "../x", ".", "a/b", "new"):
        assert opened.read("johndoe", place) is None
    opened.close()
    post.store.close()


def test_an_mbox_that_shifts_does_not_give_half_a_message(tmp_path: Path) -> None:
    post = Post(tmp_path / "mail")
    for number in range(3):
        assert post.put(b"Subject: %d\n\nx\n" % number) is None
    opened = MboxReader(post.directory)
    path = post.directory / "johndoe.txt"
    places = [entry.place for entry in opened.entries("johndoe")]
    path.write_bytes(b"From me\n\nlonger than it was\n\n" + path.read_bytes())
    assert [opened.read("johndoe", place) for place in places[1:]] == [None, None]
    path.write_bytes(b"")
    assert [opened.read("johndoe", place) for place in places] == [None] * 3 and list(opened.entries("johndoe")) == []
    path.write_bytes(b"no mailbox\nFrom x\n")
    assert list(opened.entries("johndoe")) == []
    opened.close()
    post.store.close()


def test_a_message_of_a_maildir_is_found_whatever_flags_it_has_by_now(tmp_path: Path) -> None:
    post = Post(tmp_path / "mail", MaildirMailboxes)
    assert post.put(b"Subject: 1\n\nx\n") is None
    opened = MaildirReader(post.directory)
    (entry,) = opened.entries("johndoe")
    (new,) = (post.directory / "johndoe" / "new").iterdir()
    new.rename(post.directory / "johndoe" / "cur" / f"{new.name}:2,S")
    text = opened.read("johndoe", entry.place)
    assert text is not None and text.endswith(b"Subject: 1\n\nx\n") and list(opened.entries("johndoe")) == [entry]
    opened.close()
    post.store.close()


@KINDS
def test_links_and_pipes_are_not_followed(tmp_path: Path, kind: MailboxKind, reader: OpenReader) -> None:
    directory = tmp_path / "mail"
    Post(directory, kind).store.close()
    secret = tmp_path / "secret"
    if kind is MboxMailboxes:
        secret.write_text("From x\n\nsecret\n")
        (directory / "link.txt").symlink_to(secret)
        os.mkfifo(directory / "pipe.txt")
    else:
        (secret / "new").mkdir(parents=True)
        (secret / "new" / "1").write_text("secret")
        (directory / "link").symlink_to(secret)
        os.mkfifo(directory / "pipe")
    opened = reader(directory)
    for box in ("link", "pipe"):
        try:
            assert list(opened.entries(box)) == []
        except OSError as error:
            assert "secret" not in str(error)
    opened.close()


def test_all_of_a_file_is_news_if_it_is_little(tmp_path: Path) -> None:
    entry = b"From a@b Thu Nov 26 09:00:00 2026\nSubject: x\n\nx\n\n"
    path, reader = tmp_path / "johndoe.txt", MboxReader(tmp_path)
    path.write_bytes(entry * 2 + entry[:20])
    news = reader.news("johndoe", "", len(entry) * 2)
    assert news and news.is_all and [each.size for each in news.entries] == [len(entry)] * 2
    path.write_bytes(b"junk\n" + entry)
    assert reader.news("johndoe", "") is None
    path.write_bytes(entry * (LITTLE // len(entry) + 1))
    assert reader.news("johndoe", "") is None


def test_all_of_a_maildir_is_news_if_it_is_little(tmp_path: Path) -> None:
    for part in ("new", "cur"):
        (tmp_path / "johndoe" / part).mkdir(parents=True)
    reader, new = MaildirReader(tmp_path), tmp_path / "johndoe" / "new"
    for number in range(FEW):
        (new / f"1700000{number:03}.1.host").write_bytes(b"x")
    news = reader.news("johndoe", "")
    assert news and news.is_all and len(news.entries) == FEW, "however old it is"
    (new / "1700000999.1.host").write_bytes(b"x")
    assert reader.news("johndoe", "") is None
    (new / "1700000999.1.host").rename(tmp_path / "johndoe" / "cur" / "1700000999.1.host:2,S")
    assert reader.news("johndoe", "") is None
