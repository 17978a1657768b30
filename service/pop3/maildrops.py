"""The mailboxes that clients have locked: opened, read in pieces, and rid of what was deleted.

A lock is a name in a dictionary: one process serves all clients of POP3 (see `process.py`), so no other session is
elsewhere; but with mailboxes in a database there is one such process on each front end, so the reader holds the mailbox,
too. A lock keeps other sessions away; deliveries and other programs go on. So what a client sees is a list made at its
login, and each message has to prove by its id that it is still the one of the list: before the first octet is sent and, if
it is large, once more while it is sent. One that has moved, as mail programs move them in an mbox file, is looked for.

All reading is done in threads. What closes a file of a mailbox gives up all locks that this process has on it (fcntl(2)),
so nothing may read a mailbox while messages are removed from it. That holds since a session asks for one thing at a time,
and unlocks when that is done. Knows nothing about what clients say.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from inbox.mime.identity import Digest, identity
from protocol.pop3.outside import Maildrop, Message, Unopened
from reactor.loop import Reactor
from reactor.offload import Offload
from storage.accounts.users import flaw_of, folded
from storage.files import IsLocked
from storage.mailboxes.reading import Reader

from ..kinds import Kind
from .gathering import Entry, Gathering, fed
from .slices import Work, in_slices

log = logging.getLogger("carteiro")

T = TypeVar("T")

MOST_OPEN = 1_000_000
"""Messages in all mailboxes that are open at once. One more client is told to try again later."""

MOST_OPENING = 64
"""Mailboxes that are being opened at once. The same goes for them."""

SMALL = 1 << 20
"""Octets of a message up to which it is kept in memory between the proof that it is the right one and its sending."""

FIRST_PAUSE, LAST_PAUSE = 0.01, 0.25
"""Seconds until a mailbox that another program has locked is tried again: at first, and at most."""

LOCK_PATIENCE = 30.0
"""Seconds after which it is given up."""

HELD_PATIENCE = 1.0
"""The same for a mailbox that a session on another front end has: one that has just ended may not have let it go yet."""


class Tools(NamedTuple):
    """What all mailboxes share: the loop, a thread for what may take long and one for the rest, and what is known."""

    reactor: Reactor
    long: Offload
    short: Offload
    directory: Path
    kind: Kind
    gathering: Gathering


class Maildrops:
    """Opens mailboxes, each for one session at a time."""

    def __init__(self, reactor: Reactor, directory: Path, kind: Kind) -> None:
        gathering = Gathering(kind.content)
        self._tools = Tools(reactor, Offload(reactor), Offload(reactor), directory, kind, gathering)
        self._locked: dict[str, int] = {}
        """The mailboxes that are locked, with the number of messages in each; 0 while it is being opened."""

    def open(self, name: bytes, answer: Callable[[Maildrop | Unopened], None]) -> Callable[[], None]:
        """Locks the mailbox of a name: what stands before an @, in lower case. See `OpenMaildrop`."""
        own = folded(name).partition(b"@")[0]
        mailbox = "" if flaw_of(own) else own.decode()
        why = self._why_not(mailbox)
        if why:
            answer(why)
            return lambda: None
        self._locked[mailbox] = 0
        box = LockedMailbox(self._tools, mailbox, lambda: self._locked.pop(mailbox))

        def gathered(why: Unopened | None) -> None:
            if why:
                box.close()
                answer(why)
            else:
                self._locked[mailbox] = len(box.entries)
                answer(box)

        box.gather(gathered)
        return box.close

    def _why_not(self, mailbox: str) -> Unopened | None:
        if not mailbox:
            return Unopened.FAILED
        if mailbox in self._locked:
            return Unopened.IN_USE
        counts = self._locked.values()
        is_busy = sum(counts) >= MOST_OPEN or sum(count == 0 for count in counts) >= MOST_OPENING
        return Unopened.BUSY if is_busy else None

    def close(self) -> None:
        """Ends the threads."""
        self._tools.long.close()
        self._tools.short.close()


class LockedMailbox:
    """A mailbox that is locked for one session, see `Maildrop`. `unlocked` is called when nothing reads it any more."""

    def __init__(self, tools: Tools, mailbox: str, unlocked: Callable[[], object]) -> None:
        self._tools = tools
        self._mailbox = mailbox
        self._unlocked = unlocked
        self._reader: Reader | None = None
        self._is_busy = self._is_closed = self._is_free = False
        self.entries: tuple[Entry, ...] = ()

    def close(self) -> None:
        """Unlocks it, once what is being done is done. See `Maildrop`."""
        if not self._is_closed:
            self._is_closed = True
            self._rest()

    def _rest(self) -> None:
        if self._is_closed and not self._is_busy and not self._is_free:
            self._is_free = True  # it may have been closed in the middle of an answer, which comes here, too
            if self._reader:  # it may have to tell a database, and one that does not answer must not hold up the loop
                self._tools.short.submit(self._reader.close, lambda _: None)
            self._unlocked()

    # What takes long

    def gather(self, answer: Callable[[Unopened | None], None]) -> None:
        """Finds out what is in it; answers why it could not be read, if it could not."""

        reactor = self._tools.reactor
        until = reactor.now + HELD_PATIENCE

        def gathered(result: tuple[Entry, ...] | Unopened | None) -> None:
            if isinstance(result, tuple):
                self.entries = result
                answer(None)
            elif result is Unopened.IN_USE and reactor.now < until:
                reactor.call_later(LAST_PAUSE, begin)
            else:
                answer(result or Unopened.FAILED)

        def begin() -> None:
            if not self._is_closed:
                self._work(self._held, gathered)

        begin()

    def _held(self) -> Work[tuple[Entry, ...] | Unopened]:
        if not self._opened().hold(self._mailbox):
            return Unopened.IN_USE
        return (yield from self._gathered())

    def _gathered(self) -> Work[tuple[Entry, ...]]:
        remover = self._tools.kind.remover(self._tools.directory)
        try:
            state = remover.complete(self._mailbox)
        finally:
            remover.close()
        return (yield from self._tools.gathering.gather(self._opened(), self._mailbox, state))

    def _opened(self) -> Reader:
        if self._reader is None:
            self._reader = self._tools.kind.reader(self._tools.directory)
        return self._reader

    def fetch(self, index: int, answer: Callable[[Message | None], None]) -> None:
        """Looks for a message, and proves that it is the right one."""

        def found(pieces: Iterator[bytes] | None) -> None:
            answer(None if pieces is None else Fetched(self, pieces))

        self._work(lambda: self._found(self.entries[index]), found)

    def _found(self, entry: Entry) -> Work[Iterator[bytes] | None]:
        pieces = yield from self._proved(entry)
        if pieces is None and not self._opened().has_names:  # it may have moved
            now = yield from self._gathered()
            moved = next((other for other in now if other.id == entry.id), None)
            pieces = (yield from self._proved(moved)) if moved else None
        return pieces

    def _proved(self, entry: Entry) -> Work[Iterator[bytes] | None]:
        """The content of a message, in pieces; None if another one is in its place."""
        digest, kept, octets = Digest(), list[bytes](), 0
        for piece in fed(self._opened().pieces(self._mailbox, entry.place), digest):
            octets += len(piece)
            if octets <= SMALL:
                kept.append(piece)
            yield
        if digest.id != entry.id:
            return None
        return self._tools.kind.content(kept if octets <= SMALL else self._once_more(entry))

    def _once_more(self, entry: Entry) -> Iterator[bytes]:
        """The octets of a message that was proved. Raises OSError at its end if it has changed meanwhile."""
        digest = Digest()
        yield from fed(self._opened().pieces(self._mailbox, entry.place), digest)
        if digest.id != entry.id:
            raise OSError(0, "a message has changed while it was read")

    def remove(self, indices: Collection[int], answer: Callable[[bool], None]) -> None:
        """Removes messages, and goes on doing so when the session is over."""
        meant = [self.entries[index] for index in indices]
        if meant:
            self._work(lambda: self._removed(meant), lambda is_all: answer(bool(is_all)), goes_on=True)
        else:
            answer(True)

    def _removed(self, meant: Sequence[Entry]) -> Work[bool]:
        left = Counter(entry.id for entry in meant)  # of messages that are alike, as many as are meant
        kept = Counter(entry.id for entry in self.entries) - left

        def is_meant(octets: bytes) -> bool:
            id = identity(octets)
            if left[id] <= 0:
                return False
            left[id] -= 1
            return True

        remover = self._tools.kind.remover(self._tools.directory)
        try:
            count = remover.remove(self._mailbox, [entry.place for entry in meant], is_meant)
        finally:
            remover.close()
        if count == len(meant):
            return True
        now = Counter(entry.id for entry in (yield from self._gathered()))  # some are gone, or were not found
        return all(now[entry.id] <= kept[entry.id] for entry in meant)

    def _work(self, make: Callable[[], Work[T]], done: Callable[[T | None], None], goes_on: bool = False) -> None:
        """Does work in slices; answers with None if it fails, which is logged. If another program has locked the mailbox,
        tries again for a while. Gives it up when the session is over, unless it `goes_on`.
        """
        self._is_busy = True
        until = self._tools.reactor.now + LOCK_PATIENCE

        def careful() -> Work[tuple[bool, T | None]]:
            work = make()
            try:
                while goes_on or not self._is_closed:
                    next(work)
                    yield
            except StopIteration as end:
                return False, end.value
            except IsLocked:
                return True, None
            except OSError as error:
                log.error("mailbox %s: %s", self._mailbox, error)
            return False, None

        def made(pause: float, result: tuple[bool, T | None] | None) -> None:
            is_locked, value = result or (False, None)
            if is_locked and self._tools.reactor.now < until and (goes_on or not self._is_closed):
                self._tools.reactor.call_later(pause, lambda: begin(min(2 * pause, LAST_PAUSE)))
                return
            if is_locked:
                log.warning("mailbox %s: another program has it locked", self._mailbox)
            self._answer(done, value)

        def begin(pause: float) -> None:
            in_slices(self._tools.long, careful(), lambda result: made(pause, result))

        begin(FIRST_PAUSE)

    def _answer(self, done: Callable[[T], None], value: T) -> None:
        self._is_busy = False
        if not self._is_closed:
            done(value)
        self._rest()

    # What does not take long

    def next_piece(self, pieces: Iterator[bytes], answer: Callable[[bytes | None], None]) -> None:
        """Reads the next piece of a message; b"" at its end."""
        self._is_busy = True

        def read() -> bytes | None:
            try:
                return next(pieces, b"")
            except OSError as error:
                log.error("mailbox %s: %s", self._mailbox, error)
                return None

        self._tools.short.submit(read, lambda piece: self._answer(answer, piece))


class Fetched:
    """A message that is being read, see `Message`."""

    def __init__(self, mailbox: LockedMailbox, pieces: Iterator[bytes]) -> None:
        self._mailbox = mailbox
        self._pieces = pieces

    def read(self, answer: Callable[[bytes | None], None]) -> None:
        """Reads the next piece."""
        self._mailbox.next_piece(self._pieces, answer)
