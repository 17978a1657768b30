"""A store and what it has answered."""

from pathlib import Path

from storage.maildir import MaildirStore
from storage.mbox import MboxStore

from .support import read_mailbox

TRACE = b"Received: from me ([192.0.2.1])\r\n\tby mx (carteiro) with SMTP id 1\r\n\tfor <b>; now\r\n"


class Post:
    """A store, and what it has answered."""

    def __init__(self, directory: Path, kind: type[MboxStore | MaildirStore] = MboxStore) -> None:
        self.directory = directory
        self.store = kind(directory)
        self.answers: list[tuple[bytes, str | None]] = []

    def commit(self, content: bytes, box: str = "johndoe") -> None:
        message = self.store.begin(b"a@b", box.encode(), box)
        message.trace(TRACE)
        for at in range(0, len(content), 7):
            message.write(content[at : at + 7])
        message.commit(lambda fault: self.answers.append((content, str(fault) if fault else None)))

    def put(self, content: bytes, box: str = "johndoe") -> str | None:
        self.commit(content, box)
        assert self.store.settle() is None
        return self.answers.pop()[1]

    def box(self, name: str = "johndoe") -> list[bytes]:
        return [kept.content for kept in read_mailbox(self.directory / f"{name}.txt")]
