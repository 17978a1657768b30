"""A mail directory with an index, a clerk at work on it, and messages to put in."""

import os
import time
from pathlib import Path

from inbox.index.catalogue import Catalogue, Selected
from inbox.index.clerk import Clerk, Told
from inbox.index.recording import Recorder
from storage.files import IsLocked
from storage.mailboxes.reader import MaildirReader, MboxReader
from storage.mailboxes.removal import MaildirRemover, MboxRemover

LONG_AGO = 1_700_000_000


def mail(number: int, **fields: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    when = f"Thu, 26 Nov 2026 {number // 60:02}:{number % 60:02}:00 +0000"
    trace = f"Received: from me ([192.0.2.1])\n\tby mx (carteiro) with SMTP id {number};\n\t{when}\n"
    return f"{trace}Subject: n{number}\n{more}\nhello {number}\n".encode()


class World:
    """A mail directory of one kind, with a clerk at work on it."""

    def __init__(self, directory: Path, kind: str) -> None:
        self.directory = directory
        self.kind = kind
        self.told: list[Told] = []
        self.now = 1000.0
        self.begin()

    def begin(self) -> None:
        """The clerk and the catalogue begin, as after a start."""
        is_mbox = self.kind == "mbox"
        self.reader = MboxReader(self.directory) if is_mbox else MaildirReader(self.directory)
        self.remover = MboxRemover(self.directory) if is_mbox else MaildirRemover(self.directory)
        self.recorder = Recorder(self.directory, self.reader)
        self.clerk = Clerk(self.recorder, self.reader, self.remover, IsLocked, self.told.append, lambda: self.now)
        self.catalogue = Catalogue(self.directory)

    def end(self) -> None:
        """They end, as when they are killed: nothing is done any more."""
        self.recorder.close()
        self.catalogue.close()

    def add(self, octets: bytes, name: str = "ana") -> None:
        """A message is put in a mailbox, as another program would; a minute ago, so that the file counts as still."""
        if self.kind == "mbox":
            path = self.directory / f"{name}.txt"
            with path.open("ab") as file:
                file.write(b"From a@b Thu Nov 26 09:00:00 2026\n" + octets + b"\n")
            self.rest(path)
        else:
            for part in ("cur", "new", "tmp"):
                (self.directory / name / part).mkdir(parents=True, exist_ok=True)
            (self.directory / name / "new" / f"{int(time.time())}.{time.monotonic_ns()}.host").write_bytes(octets)

    def rest(self, path: Path) -> None:
        """Nobody has written to a file for a minute, each time another one."""
        self.rests = getattr(self, "rests", 0) + 1
        os.utime(path, (LONG_AGO, LONG_AGO + self.rests))

    def work(self) -> None:
        """The clerk works until there is nothing to do."""
        self.now += 10_000
        while self.clerk.work() == 0.0:
            pass

    def subjects(self, sight: str | None = None, query: str | None = None) -> list[str]:
        """What a list shows, newest first."""
        return [row["Subject"] for row in self.catalogue.page(sight, Selected(query=query), 0, 1000).rows]

    def counts(self) -> dict[str, tuple[int, int]]:
        """All mailboxes: how many messages, and unread ones."""
        return {each["Name"]: (each["Total"], each["Unread"]) for each in self.catalogue.mailboxes()}

    def ids(self) -> list[str]:
        return [row["ID"] for row in self.catalogue.page(None, Selected(), 0, 1000).rows]

    def octets(self) -> bytes:
        """All that is in the mailboxes."""
        paths = sorted(path for path in self.directory.rglob("*") if path.is_file() and not path.parent.name.startswith("."))
        return b"".join(path.read_bytes() for path in paths)


def mark_as_mutt_does(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"\nSubject: n", b"\nStatus: RO\nSubject: n"))
