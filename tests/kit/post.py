"""A store, and the answers that it has given."""

from collections.abc import Callable
from pathlib import Path

from storage.files import Files
from storage.mailboxes.mailbox import Mailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.journalled import JournalledStore

from .support import once, read_mailbox

TRACE = b"Received: from me ([192.0.2.1])\r\n\tby mx (carteiro) with SMTP id 1\r\n\tfor <b>; now\r\n"

MailboxKind = Callable[[Files, int, Path], Mailboxes]


class Post:
    """A store, and the answers that it has given."""

    def __init__(
        self, directory: Path, kind: MailboxKind = MboxMailboxes, files: Files | None = None, part: str | None = None
    ) -> None:
        self.directory = directory
        self.store = JournalledStore(directory, kind, files, part)
        self.answers: list[tuple[bytes, str | None]] = []

    def commit(self, content: bytes, *boxes: str, is_verbatim: bool = False) -> None:
        recipients = [(box, box.encode()) for box in boxes or ("johndoe",)]
        message = self.store.begin(b"a@b", recipients, is_verbatim)
        message.trace(TRACE)
        size = 7 if len(content) < 1000 else 5000
        for at in range(0, len(content), size):
            message.write(content[at : at + size])
        message.commit(once(lambda fault: self.answers.append((content, str(fault) if fault else None))))

    def move(self) -> float | None:
        """Moves all that can be moved now; returns the seconds until there is more to do, or None."""
        while True:
            again_in = self.store.tidy(is_idle=True)
            if again_in != 0.0:
                return again_in

    def put(self, content: bytes, *boxes: str, is_verbatim: bool = False) -> str | None:
        """Commits a message, has it answered and moved, and returns the answer."""
        self.commit(content, *boxes, is_verbatim=is_verbatim)
        self.store.settle()
        self.move()
        return self.answers.pop()[1]

    def box(self, name: str = "johndoe") -> list[bytes]:
        return [kept.content for kept in read_mailbox(self.directory / f"{name}.txt")]
