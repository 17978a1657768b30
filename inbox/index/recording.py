"""Writing the index: what is in the mailboxes, a batch at a time.

A mailbox that has only grown is read from where it ended. Any other change makes it be read again as a whole, newest first;
what is known by its octets only gets its new place. A crash costs nothing but the time to read again. Knows nothing about
who looks at the index, nor when mailboxes are read.
"""

import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..mime.envelope import envelope_of, mail_of_entry
from ..mime.header import header_at
from ..mime.identity import identity
from .contract import Mailboxes, News
from .entries import Entry, entry_now
from .schema import inode, opened
from .stretches import divide

log = logging.getLogger("carteiro.inbox")

BATCH = 200
"""Messages of a transaction."""

SHORT_BATCH = 50
"""The same while this process has next to nothing of the processor: whoever marks a message waits for its transaction."""

SECOND = 1_000_000
"""Microseconds: what keys count."""

BATCH_OCTETS = 4 << 20
"""Octets of messages after which a transaction ends."""


class Come(NamedTuple):
    """A message that is new in the index, and the mailbox."""

    id: str
    mailbox: str


class Followed(NamedTuple):
    """What was put in mailboxes, and those of them in which something else has changed: they have to be read again."""

    come: list[Come]
    others: list[str]


class _Known(NamedTuple):
    """What the index knows of a mailbox."""

    number: int
    state: str
    generation: int
    is_whole: bool

    @property
    def has_no_gap(self) -> bool:
        """Whether all that was there has been read, or nothing yet."""
        return self.is_whole or not self.state


class _Read(NamedTuple):
    """A message as its mailbox has it, which is read for the nth time: the `generation`."""

    mailbox: str
    generation: int
    place: str
    octets: bytes


class Recorder:
    """Keeps an index in step with mailboxes. `entry` reads a message, with its id; it never raises.

    All methods raise sqlite3.Error and OSError. For one thread.
    """

    def __init__(self, directory: Path, mailboxes: Mailboxes, entry: Callable[[bytes, str], Entry] = entry_now) -> None:
        self._directory = directory
        self._base = opened(directory)
        self._inode = inode(directory)
        self._mailboxes = mailboxes
        self._entry = entry
        self._batch = BATCH

    def shorten(self) -> None:
        """Makes transactions short from now on."""
        self._batch = SHORT_BATCH

    def close(self) -> None:
        """Closes the databases."""
        self._base.close()

    @property
    def is_current(self) -> bool:
        """Whether the index is still the one that was opened; somebody may have deleted it."""
        return inode(self._directory) == self._inode

    def totals(self) -> tuple[int, int]:
        """How many messages the index has, and how many of them are unread."""
        messages, unread = self._base.execute("SELECT messages, unread FROM total").fetchone()
        return messages, unread

    def changed(self) -> list[str]:
        """The mailboxes whose state is another one than when they were read, those that are gone among them."""
        known = dict(self._base.execute("SELECT name, CASE WHEN is_whole THEN state ELSE '' END FROM mailbox"))
        there = self._mailboxes.states()
        return [name for name in {**known, **there} if there.get(name, "gone") != known.get(name, "")]

    def unfinished(self) -> list[str]:
        """The mailboxes that have the state in which they were read last, and of which not all was read then."""
        rows = self._base.execute("SELECT name, state FROM mailbox WHERE NOT is_whole AND state <> ''").fetchall()
        return [name for name, state in rows if self._mailboxes.state(name) == state]

    def follow(self, sizes: Mapping[str, int | None]) -> Followed:
        """Reads what was put in mailboxes since. The sizes are how much of each file is complete.

        A message that was put in several of them appears in all at once, but for the ends of batches.
        """
        found: list[tuple[_Known, News]] = []
        others: list[str] = []

        def messages() -> Iterator[_Read]:
            for mailbox, size in sizes.items():
                known = self._known(mailbox)
                news = self._mailboxes.news(mailbox, known.state, size)
                if news is not None:
                    yield from self._messages(mailbox, known.generation, (entry.place for entry in news.entries))
                    found.append((known, news))
                if news is None or not (news.is_all and known.has_no_gap):
                    others.append(mailbox)

        come: list[Come] = []
        for batch in _batches(messages(), self._batch):
            come += self._put(batch, 1)
        states = [(news.state, known.has_no_gap, known.number) for known, news in found]
        self._base.executemany("UPDATE mailbox SET state = ?, is_whole = ? WHERE number = ?", states)
        return Followed(come, others)

    def read_again(self, mailbox: str) -> Iterator[list[Come]]:
        """Reads all of a mailbox, newest first, a batch a step."""
        state = self._mailboxes.state(mailbox)
        if state is None:
            self._forget(mailbox)
            yield []
            return
        known = self._known(mailbox)
        generation = known.generation + 1
        self._base.execute(
            "UPDATE mailbox SET state = ?, generation = ?, is_whole = 0 WHERE number = ?", (state, generation, known.number)
        )
        places: Iterator[str] = (entry.place for entry in self._mailboxes.entries(mailbox, newest_first=True))
        if self._mailboxes.has_names:
            places = self._unknown(known.number, generation, places)
        for batch in _batches(self._messages(mailbox, generation, places), self._batch):
            yield self._put(batch, -1)
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.execute("DELETE FROM copy WHERE mailbox = ? AND generation < ?", (known.number, generation))
            self._base.execute(
                "UPDATE mailbox SET is_whole = 1 WHERE number = ? AND generation = ?", (known.number, generation)
            )
        yield []

    def purge(self, most: int = BATCH) -> int:
        """Forgets messages of which no copy is left; returns how many, `most` at most."""
        gone = "SELECT key FROM message WHERE copies = 0 LIMIT ?"
        if not self._base.execute(gone, (1,)).fetchone():  # mostly so: then others may write meanwhile
            return 0
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            keys = [key for (key,) in self._base.execute(gone, (most,))]
            wanted = json.dumps(keys)
            for table in ("searched", "message"):
                self._base.execute(f"DELETE FROM {table} WHERE key IN (SELECT value FROM json_each(?))", (wanted,))
        return len(keys)

    # Mailboxes

    def _known(self, mailbox: str) -> _Known:
        self._base.execute("INSERT OR IGNORE INTO mailbox (name) VALUES (?)", (mailbox,))
        row = self._base.execute(
            "SELECT number, state, generation, is_whole FROM mailbox WHERE name = ?", (mailbox,)
        ).fetchone()
        return _Known(*row)

    def _forget(self, mailbox: str) -> None:
        """A mailbox is gone, and all that was in it."""
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.execute("DELETE FROM copy WHERE mailbox IN (SELECT number FROM mailbox WHERE name = ?)", (mailbox,))
            self._base.execute("DELETE FROM mailbox WHERE name = ?", (mailbox,))

    def _unknown(self, number: int, generation: int, places: Iterable[str]) -> Iterator[str]:
        """Those places that are not in the index; the others are told to be there still."""
        known = dict(self._base.execute("SELECT place, key FROM copy WHERE mailbox = ?", (number,)))
        still: list[tuple[int, int, int]] = []
        for place in places:
            if place in known:
                still.append((generation, number, known[place]))
            else:
                yield place
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.executemany("UPDATE copy SET generation = ? WHERE mailbox = ? AND key = ?", still)

    # Messages

    def _messages(self, mailbox: str, generation: int, places: Iterable[str]) -> Iterator[_Read]:
        for place in places:
            mail = self._mailboxes.read(mailbox, place)
            if mail is not None:  # else it was moved or removed meanwhile: the mailbox has another state, and is read again
                yield _Read(mailbox, generation, place, mail)

    def _put(self, batch: list[_Read], step: int) -> list[Come]:
        """Puts messages in the index: those that are new there with all that is found out of them.

        Of messages that were received at the same moment, the next goes behind the last (`step` 1), or before it (-1).
        """
        mails = [self._mail(read.octets) for read in batch]
        ids = [identity(mail) for mail in mails]
        have = {
            id
            for (id,) in self._base.execute(
                "SELECT m.id FROM json_each(?) k JOIN message m ON m.id = k.value", (json.dumps(ids),)
            )
        }
        new = {id: mail for id, mail in zip(ids, mails, strict=True) if id not in have}
        entries = {id: self._entry(mail, id) for id, mail in new.items()}
        come: list[Come] = []
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            numbers = self._numbers({read.mailbox for read in batch})
            for id, read, mail in zip(ids, batch, mails, strict=True):
                number, copy = numbers.get(read.mailbox), Come(id, read.mailbox)
                if number is None or self._is_deleted(id, read.mailbox, read.place):
                    continue
                key = self._key_of(id, entries, step)
                delivered = entries[id].delivered if new.get(id) is mail else _delivered(mail)
                if key is not None and self._put_copy(number, key, read, copy, delivered):
                    come.append(copy)
            divide(self._base)
        return come

    def _numbers(self, names: Collection[str]) -> dict[str, int]:
        wanted = "SELECT m.name, m.number FROM json_each(?) k JOIN mailbox m ON m.name = k.value"
        return dict(self._base.execute(wanted, (json.dumps(list(names)),)))

    def _mail(self, octets: bytes) -> bytes:
        return octets if self._mailboxes.has_names else mail_of_entry(octets)

    def _key_of(self, id: str, entries: dict[str, Entry], step: int) -> int | None:
        """The key of a message, which is put in the index if it is not there."""
        row = self._base.execute("SELECT key FROM message WHERE id = ?", (id,)).fetchone()
        if row:
            return int(row[0])
        entry = entries.get(id)
        if entry is None:  # another process has purged it since we looked; it comes with the next reading
            return None
        key = self._free_key(entry.key, step)
        self._base.execute(
            "INSERT INTO message (key, id, row, size, attachments, inlines) VALUES (?, ?, ?, ?, ?, ?)",
            (key, entry.id, entry.row, entry.size, entry.attachments, entry.inlines),
        )
        self._base.execute("INSERT INTO searched VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (key, *entry.searched))
        return key

    def _free_key(self, key: int, step: int) -> int:
        """The key itself, or the nearest free one behind all of its second (`step` 1), or before them (-1)."""
        if self._has_key(key):
            second = key - key % SECOND
            nearest = "max(key)" if step > 0 else "min(key)"
            found = self._base.execute(
                f"SELECT {nearest} FROM message WHERE key BETWEEN ? AND ?", (second, second + SECOND - 1)
            )
            key = int(found.fetchone()[0]) + step
            while self._has_key(key):
                key += step
        return key

    def _has_key(self, key: int) -> bool:
        return self._base.execute("SELECT 1 FROM message WHERE key = ?", (key,)).fetchone() is not None

    def _put_copy(self, number: int, key: int, read: _Read, come: Come, delivered: Sequence[str]) -> bool:
        """Puts a copy in the index, or says where it is now; returns whether it is new."""
        moved = self._base.execute(
            "UPDATE copy SET place = ?, generation = ? WHERE mailbox = ? AND key = ?",
            (read.place, read.generation, number, key),
        )
        if moved.rowcount:
            return False
        is_read = self._base.execute("SELECT 1 FROM marks.mark WHERE id = ? AND mailbox = ?", come).fetchone()
        values = (number, key, read.place, read.generation, int(bool(is_read)), json.dumps(delivered))
        self._base.execute("INSERT INTO copy VALUES (?, ?, ?, ?, ?, ?)", values)
        return True

    # Deleted ones

    def _is_deleted(self, id: str, mailbox: str, place: str) -> bool:
        """Whether it is deleted. One that has come back, as after a crash of the server, is to be removed again."""
        values = (place, id, mailbox)
        found = self._base.execute(
            "UPDATE marks.tombstone SET place = ?, removed = NULL WHERE id = ? AND mailbox = ?", values
        )
        return bool(found.rowcount)

    def due(self) -> dict[str, dict[str, str]]:
        """The messages that are to be removed now: by mailbox, their ids and places."""
        due: dict[str, dict[str, str]] = {}
        rows = self._base.execute(
            "SELECT mailbox, id, place FROM marks.tombstone WHERE removed IS NULL AND due <= ?", (time.time(),)
        )
        for mailbox, id, place in rows:
            due.setdefault(mailbox, {})[id] = place
        return due

    def next_due(self) -> float | None:
        """When the next message is to be removed, in seconds from the epoch."""
        (due,) = self._base.execute("SELECT min(due) FROM marks.tombstone WHERE removed IS NULL").fetchone()
        return due if due is None else float(due)

    def removed(self, mailbox: str, ids: Iterable[str]) -> None:
        """These messages are in the mailbox no more."""
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.executemany(
                "UPDATE marks.tombstone SET removed = ? WHERE id = ? AND mailbox = ?",
                [(time.time(), id, mailbox) for id in ids],
            )

    def moved(self, mailbox: str, places: dict[str, str]) -> None:
        """These messages, which are to be removed, are elsewhere in the mailbox by now."""
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.executemany(
                "UPDATE marks.tombstone SET place = ? WHERE id = ? AND mailbox = ?",
                [(place, id, mailbox) for id, place in places.items()],
            )

    def bury(self, before: float) -> None:
        """Forgets deletions that were carried out before a moment, and the marks of these messages: what comes back now was
        put there by somebody.
        """
        buried = "SELECT id, mailbox FROM marks.tombstone WHERE removed < ?1"
        if not self._base.execute(buried, (before,)).fetchone():
            return
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.execute(f"DELETE FROM marks.mark WHERE (id, mailbox) IN ({buried})", (before,))
            self._base.execute(
                f"DELETE FROM marks.tag WHERE id IN (SELECT id FROM ({buried}))"
                " AND id NOT IN (SELECT id FROM message WHERE copies > 0)",
                (before,),
            )
            self._base.execute("DELETE FROM marks.tombstone WHERE removed < ?", (before,))


def _delivered(mail: bytes) -> Sequence[str]:
    """Each copy of a message has its own forward-paths."""
    return envelope_of(mail, header_at(mail, 0)).delivered_to


def _batches(messages: Iterable[_Read], most: int) -> Iterator[list[_Read]]:
    batch: list[_Read] = []
    octets = 0
    for message in messages:
        batch.append(message)
        octets += len(message.octets)
        if len(batch) >= most or octets >= BATCH_OCTETS:
            yield batch
            batch, octets = [], 0
    if batch:
        yield batch
