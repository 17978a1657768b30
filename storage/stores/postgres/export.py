"""Mail from the database into mailboxes of another kind: all of it the first time, and then what has come since.

Knows nothing about what kind of mailboxes they are. The mailboxes only grow: what is removed in the database stays there.

The theory. A mailbox's uids say what has come since. For each mailbox there is a note in `.export/`: up to which uid its
messages are in it (`uid`). Messages are put in by batches, and before anything of a batch is written, the note says what is
about to be (`letters`, whose content is in a file beside it) and where the mailbox ended (`start`). So whenever we are
killed, the next export finds either no batch, or all that was to be put in, and what a crash has left of it is cut off, as
after a crash of a server (`delivery/in_doubt.py`): if only a beginning of the batch is behind `start`, it is cut off; if
another program has changed the file, each message is looked for; and a Maildir knows its files by their names. The content
is kept in a file since it may be gone from the database by then.

Numbers that only one disk had could be given again after a failover. So something is written to the database after they
were read: once that is on two disks, they are, too.
"""

import json
import os
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from ...accounts.users import flaw_of
from ...errors import StorageError
from ...files import Files, IsLocked, append_all, open_directory, read_all
from ...mailboxes.letter import Letter
from ...mailboxes.mailbox import Extent, Mailbox, MailboxKind
from .desk import Away
from .reader import State

BATCH_OCTETS = 4 << 20
BATCH_MESSAGES = 1000
"""Most of a batch; a single message may be larger."""

LOCK_SECONDS = 10.0
"""For a mailbox that another program has locked. Then it is left for the next time."""

T = TypeVar("T")

_PAUSE = 0.1
_BLOCK = 64 * 1024
_PLACE = b".export"
_NEW = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC


class Note(NamedTuple):
    """What is known of a mailbox: messages up to a uid are in it. Those in `letters`, up to the uid `until`, were about to
    be put in, behind `start` if it is one file.
    """

    validity: int = 0
    uid: int = 0
    until: int = 0
    start: Sequence[int] | None = None
    letters: Sequence[dict[str, Any]] = ()


class Exported(NamedTuple):
    """How many messages were put in how many mailboxes, and what went wrong, a line each."""

    messages: int
    mailboxes: int
    faults: list[str]


class Found(Protocol):
    """What finds letters."""

    def find(self, mailbox: str, id: str) -> Letter | None:
        """The letter of a message in a mailbox; None if it is not there any more."""


class Source(Protocol):
    """The database, as far as it is read here; see `PostgresReader`."""

    @property
    def letters(self) -> Found: ...

    def number_all(self) -> None: ...

    def states(self) -> dict[str, str]: ...

    def make_certain(self) -> None: ...

    def ids(self, mailbox: str, first: int, last: int) -> Iterator[tuple[int, str]]: ...


class Export:
    """Exports from a database into a directory, which it makes. One at a time. Raises OSError and StorageError."""

    def __init__(self, reader: Source, directory: Path, kind: MailboxKind, files: Files | None = None) -> None:
        self._reader = reader
        self._files = files = files or Files()
        self._directory = files.open_top(directory)
        self._place = open_directory(files, _PLACE, self._directory)
        files.sync_names(self._directory)
        try:
            files.claim(self._place)
        except IsLocked as error:
            raise StorageError(f"{directory}: another export is at work there: wait for it") from error
        self._mailboxes = kind(files, self._directory, directory)

    def run(self) -> Exported:
        """Exports all mailboxes. A fault of one does not keep the others from it, but one of the database does: Away."""
        self._reader.number_all()
        states = {name: State(text) for name, text in sorted(self._reader.states().items())}
        self._reader.make_certain()
        counts: list[int] = []
        faults: list[str] = []
        for name, state in states.items():
            try:
                if words := flaw_of(name.encode()):
                    raise StorageError(f"mailbox {name!r} is left out: the name {words}")
                counts.append(self._export(name, state))
            except IsLocked:
                faults.append(f"{self._mailboxes.path(name)}: another program has it locked: left for the next time")
            except Away:  # nor can the others be read
                raise
            except OSError as error:
                faults.append(f"{self._mailboxes.path(name)}: {error.strerror or error}")
            except StorageError as error:
                faults.append(str(error))
        return Exported(sum(counts), sum(count > 0 for count in counts), faults)

    def close(self) -> None:
        """Gives back what it has opened, and the lock."""
        self._mailboxes.close()
        for descriptor in (self._place, self._directory):
            self._files.close(descriptor)

    def _export(self, name: str, state: State) -> int:
        note = self._noted(name)
        count = len(note.letters)
        if note.letters:
            note = self._finish(name, note)
        may_be_there = note.validity != state.validity or state.next <= note.uid
        if may_be_there:  # the first time, or the database was restored: what is there is found by what it is
            note = Note(state.validity)
        for due in self._batches(name, note, state.next - 1):
            batch = due
            if batch.letters:
                with closing(self._opened(name)) as opened:
                    if may_be_there and not _is_empty(opened):
                        batch = self._missing(name, opened, batch)
                    self._append(name, opened, batch)
            self._done(name, batch)
            count += len(batch.letters)
        return count

    def _finish(self, name: str, note: Note) -> Note:
        """Puts in what was about to be put in when an export was killed."""
        with closing(self._opened(name)) as opened:
            if not note.start or not _result(opened.take_back(Extent(*note.start), self._letters(name, note))):
                note = self._missing(name, opened, note)
            self._append(name, opened, note)
        return self._done(name, note)

    def _missing(self, name: str, opened: Mailbox, note: Note) -> Note:
        missing = _result(opened.missing(self._letters(name, note)))
        return note._replace(letters=[letter for letter, is_due in zip(note.letters, missing, strict=True) if is_due])

    def _append(self, name: str, opened: Mailbox, note: Note) -> None:
        """Notes what is about to be put in a mailbox, and puts it in."""
        if not note.letters:
            return
        self._note(name, note._replace(start=opened.extent))
        for _ in opened.append(self._letters(name, note)):
            pass
        opened.sync()

    def _done(self, name: str, note: Note) -> Note:
        self._mailboxes.sync_names()
        done = Note(note.validity, note.until)
        self._note(name, done)
        return done

    def _opened(self, name: str) -> Mailbox:
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                return self._mailboxes.open(name)
            except IsLocked:
                if time.monotonic() > until:
                    raise
                time.sleep(_PAUSE)

    # Batches

    def _batches(self, name: str, note: Note, last: int) -> Iterator[Note]:
        """What is due, with its content in the file beside the note."""
        due = self._reader.ids(name, note.uid + 1, last)
        uid = note.uid
        while uid < last:
            letters: list[dict[str, Any]] = []
            octets, uid = 0, last
            file = self._files.open(_content(name), _NEW, self._place)
            try:
                for found, id in due:
                    letter = self._reader.letters.find(name, id)
                    if letter:
                        length = self._keep(file, letter)
                        letters.append(_described(letter, octets, length))
                        octets += length
                    if octets >= BATCH_OCTETS or len(letters) >= BATCH_MESSAGES:
                        uid = found
                        break
                self._files.sync(file)
            finally:
                self._files.close(file)
            self._files.sync_names(self._place)  # or a note of it could be on disk without it
            yield Note(note.validity, 0, uid, None, letters)
        with suppress(FileNotFoundError):
            self._files.remove(_content(name), self._place)

    def _keep(self, file: int, letter: Letter) -> int:
        length = 0
        for piece in letter.content():
            append_all(self._files, file, piece)
            length += len(piece)
        return length

    def _letters(self, name: str, note: Note) -> Iterator[Letter]:
        return (self._letter(name, described) for described in note.letters)

    def _letter(self, name: str, described: dict[str, Any]) -> Letter:
        at, length = described["at"], described["length"]

        def content() -> Iterator[bytes]:
            file = self._files.open(_content(name), os.O_RDONLY, self._place)
            try:
                for place in range(at, at + length, _BLOCK):
                    yield read_all(self._files, file, min(_BLOCK, at + length - place), place)
            finally:
                self._files.close(file)

        paths = [path.encode("latin-1") for path in described["paths"]]
        reverse_path, trace = (described[key].encode("latin-1") for key in ("from", "trace"))
        is_large, is_verbatim = length > _BLOCK, described["verbatim"]
        return Letter(described["id"], described["came"], reverse_path, paths, trace, content, is_large, is_verbatim)

    # Notes

    def _noted(self, name: str) -> Note:
        try:
            file = self._files.open(name.encode() + b".json", os.O_RDONLY, self._place)
        except FileNotFoundError:
            return Note()
        try:
            return Note(**json.loads(read_all(self._files, file, self._files.status(file).st_size, 0)))
        except (ValueError, TypeError) as error:
            raise StorageError(f"{self._mailboxes.path(name)}: its note in .export is damaged: remove it") from error
        finally:
            self._files.close(file)

    def _note(self, name: str, note: Note) -> None:
        """Writes a note, on disk when this returns."""
        new = name.encode() + b".new"
        file = self._files.open(new, _NEW, self._place)
        try:
            append_all(self._files, file, json.dumps(note._asdict()).encode())
            self._files.sync(file)
        finally:
            self._files.close(file)
        self._files.rename(new, self._place, name.encode() + b".json", self._place)
        self._files.sync_names(self._place)


def _content(name: str) -> bytes:
    return name.encode() + b".content"


def _is_empty(opened: Mailbox) -> bool:
    """Whether it is a file without anything in it."""
    return opened.extent is not None and not opened.extent.size


def _described(letter: Letter, at: int, length: int) -> dict[str, Any]:
    """A letter as a note has it, with its content at a place of the file beside."""
    return {
        "id": letter.id,
        "came": letter.came,
        "from": letter.reverse_path.decode("latin-1"),
        "paths": [path.decode("latin-1") for path in letter.forward_paths],
        "trace": letter.trace.decode("latin-1"),
        "verbatim": letter.is_verbatim,
        "at": at,
        "length": length,
    }


def _result(steps: Generator[None, None, T]) -> T:
    """What a generator returns at its end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
