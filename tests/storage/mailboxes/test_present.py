"""Which mailboxes are there, by their names alone: those that the kind has made, and no file of its own."""

from pathlib import Path

import pytest

from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.mailboxes.present import maildir_names, mbox_names

from ...kit.post import Post


@pytest.mark.parametrize(("kind", "names"), [(MboxMailboxes, mbox_names), (MaildirMailboxes, maildir_names)])
def test_who_got_mail_is_there(tmp_path: Path, kind: type, names: object) -> None:
    assert callable(names)
    post = Post(tmp_path, kind)
    assert names(tmp_path) == []
    post.put(b"x\r\n", "ana", "josé+x", "b.c")
    assert sorted(names(tmp_path)) == ["ana", "b.c", "josé+x"]
    (tmp_path / "ana.txt.lock").touch()
    (tmp_path / ".index").mkdir()
    (tmp_path / ".hidden.txt").touch()
    (tmp_path / "notes").touch()
    assert sorted(names(tmp_path)) == ["ana", "b.c", "josé+x"]
    post.store.close()


@pytest.mark.parametrize("names", [mbox_names, maildir_names])
def test_a_directory_that_is_missing_is_said(tmp_path: Path, names: object) -> None:
    assert callable(names)
    with pytest.raises(FileNotFoundError):
        names(tmp_path / "none")
