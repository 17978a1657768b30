"""What is in the index, found and counted, and who has read it: the questions and changes of those who look at mail.

Knows nothing about how the index came to be, nor about files. A question takes LONGEST seconds at most, and raises
TimeoutError then; a change of very many messages may take longer. All raise sqlite3.Error. For one thread.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ..search.matching import folded
from ..search.query import Query, parse
from . import compiling
from .finding import Finder, Found, Source
from .schema import inode, opened

MOST_TAGS = 100
"""Tags of a message."""

PART = 1_000
"""Messages that are changed in one transaction."""

CACHE = 1_000
"""KiB of the index in memory."""

_OWN = "key IN (SELECT key FROM part) AND (?1 IS NULL OR mailbox = (SELECT number FROM mailbox WHERE name = ?1))"
"""The copies of what is chosen that are in sight (?1)."""


class Selected(NamedTuple):
    """Some messages: those with these ids, or those that a query finds, or all."""

    ids: Sequence[str] | None = None
    query: str | None = None
    zone: str = "UTC"


class Place(NamedTuple):
    """Where a copy of a message is, and the forward-paths that led there."""

    mailbox: str
    place: str
    delivered: list[str]


class Catalogue:
    """The index of a directory of mailboxes. A sight is the name of a mailbox, or None for all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._base = self._opened()
        self._finder = Finder(self._base)

    def _opened(self) -> sqlite3.Connection:
        base = opened(self._directory, CACHE)
        base.create_function("folded", 1, folded, deterministic=True)
        self._inode = inode(self._directory)
        return base

    def renew(self) -> None:
        """Opens the index again if somebody has deleted it: another one is being made."""
        if inode(self._directory) != self._inode:
            self._base.close()
            self._base = self._opened()
            self._finder = Finder(self._base)

    def rest(self) -> None:
        """Gives back memory until the next question."""
        self._base.execute("PRAGMA shrink_memory")

    def close(self) -> None:
        """Closes the databases."""
        self._base.close()

    # Questions

    def mailboxes(self) -> list[dict[str, Any]]:
        """All mailboxes by name, with their counts."""
        rows = self._finder.ask("SELECT name, total, unread FROM mailbox ORDER BY name")
        return [{"Name": name, "Total": total, "Unread": unread} for name, total, unread in rows]

    def page(self, sight: str | None, selected: Selected, start: int, limit: int) -> Found:
        """Finds messages. Raises QueryError, too."""
        if selected.ids is not None:
            return self._finder.chosen(sight, selected.ids, start, limit)
        query = _parsed(selected)
        return self._finder.searched(sight, query, start, limit) if query else self._finder.page(sight, start, limit)

    def row(self, sight: str | None, id: str) -> dict[str, Any] | None:
        """A message in a list; None if it is not in sight."""
        rows = self._finder.rows(sight, self._finder.by_ids(sight, [id]), 0, 1)
        return rows[0] if rows else None

    def places(self, sight: str | None, id: str) -> list[Place]:
        """Where the copies in sight are."""
        rows = self._finder.ask(
            "SELECT b.name, c.place, c.delivered FROM message m JOIN copy c ON c.key = m.key"
            " JOIN mailbox b ON b.number = c.mailbox"
            " WHERE m.id = ?1 AND (?2 IS NULL OR b.name = ?2)",
            (id, sight),
        )
        return [Place(name, place, json.loads(delivered)) for name, place, delivered in rows]

    def tags(self, sight: str | None) -> list[str]:
        """All tags in use."""
        rows = self._finder.ask(  # from the few tags to their messages; SQLite would begin with all copies
            "SELECT DISTINCT t.tag FROM marks.tag t CROSS JOIN message m ON m.id = t.id CROSS JOIN copy c ON c.key = m.key"
            " CROSS JOIN mailbox b ON b.number = c.mailbox WHERE ?1 IS NULL OR b.name = ?1 ORDER BY t.tag",
            (sight,),
        )
        return [tag for (tag,) in rows]

    # Changes

    def mark(self, sight: str | None, selected: Selected, is_read: bool) -> int:
        """Marks messages; returns how many are in the selection. Raises QueryError, too."""
        pairs = (
            "SELECT m.id, b.name FROM part h JOIN message m ON m.key = h.key JOIN copy c ON c.key = h.key"
            " JOIN mailbox b ON b.number = c.mailbox WHERE ?1 IS NULL OR b.name = ?1"
        )
        count = self._select(sight, selected)
        for _ in self._parts():
            if is_read:
                self._base.execute(f"INSERT OR IGNORE INTO marks.mark {pairs}", (sight,))
            else:
                self._base.execute(f"DELETE FROM marks.mark WHERE (id, mailbox) IN ({pairs})", (sight,))
            self._base.execute(f"UPDATE copy SET is_read = ?2 WHERE {_OWN}", (sight, is_read))
        return count

    def tag(self, sight: str | None, ids: Sequence[str], tags: Sequence[str]) -> int:
        """Gives messages these tags only; returns how many messages there are."""
        count = self._select(sight, Selected(ids))
        chosen = "SELECT m.id FROM part h JOIN message m ON m.key = h.key"
        for _ in self._parts():
            self._base.execute(f"DELETE FROM marks.tag WHERE id IN ({chosen})")
            for tag in list(dict.fromkeys(tags))[:MOST_TAGS]:
                self._base.execute(f"INSERT OR IGNORE INTO marks.tag SELECT id, ? FROM ({chosen})", (tag,))
        return count

    def rename_tag(self, sight: str | None, tag: str, name: str | None) -> int:
        """Renames a tag of all messages in sight, or takes it away; returns how many had it."""
        own = "tag = ?1 AND id IN (SELECT m.id FROM part h JOIN message m ON m.key = h.key)"
        count = 0
        self._select(sight, Selected())
        for _ in self._parts():
            if name:
                self._base.execute(f"INSERT OR IGNORE INTO marks.tag SELECT id, ?2 FROM marks.tag WHERE {own}", (tag, name))
            if name != tag:
                count += self._base.execute(f"DELETE FROM marks.tag WHERE {own}", (tag,)).rowcount
        return count

    def delete(self, sight: str | None, selected: Selected, delay: float) -> list[str]:
        """Takes messages out of sight; they are to be removed in `delay` seconds. Returns their ids. Raises QueryError, too.

        When it returns, that is on disk.
        """
        self._select(sight, selected)
        found = self._base.execute("SELECT m.id FROM chosen h JOIN message m ON m.key = h.key ORDER BY h.key DESC")
        ids = [id for (id,) in found]
        for _ in self._parts():
            self._base.execute(
                "INSERT OR REPLACE INTO marks.tombstone (id, mailbox, place, due, removed)"
                " SELECT m.id, b.name, c.place, ?2, NULL FROM part h JOIN message m ON m.key = h.key"
                " JOIN copy c ON c.key = h.key JOIN mailbox b ON b.number = c.mailbox WHERE ?1 IS NULL OR b.name = ?1",
                (sight, time.time() + delay),
            )
            self._base.execute(f"DELETE FROM copy WHERE {_OWN}", (sight,))
        return ids

    def restore(self, sight: str | None, ids: Sequence[str]) -> int:
        """Takes back deletions that are not due yet; returns of how many messages. The mailboxes have to be read again; who
        is reading one just now may have passed the message, so that reading does not count.
        """
        with self._base:
            wanted = json.dumps(list(ids))
            where = (
                "WHERE id IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR mailbox = ?2)"
                " AND due > ?3 AND removed IS NULL"
            )
            values = (wanted, sight, time.time())
            (count,) = self._base.execute(f"SELECT count(DISTINCT id) FROM marks.tombstone {where}", values).fetchone()
            self._base.execute(
                "UPDATE mailbox SET is_whole = 0, generation = generation + 1"
                f" WHERE name IN (SELECT mailbox FROM marks.tombstone {where})",
                values,
            )
            self._base.execute(f"DELETE FROM marks.tombstone {where}", values)
        return int(count)

    # What is chosen

    def _select(self, sight: str | None, selected: Selected) -> int:
        """Fills the table `chosen` with the keys of what is selected. Returns how many."""
        query = _parsed(selected)
        for table in ("chosen", "part"):
            self._base.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} (key INTEGER PRIMARY KEY)")
        self._base.execute("DELETE FROM chosen")
        for thoroughly in (False, True) if query and compiling.has_words(query) else (False,):
            source = self._source(sight, selected.ids, query, thoroughly)
            self._base.execute(f"INSERT INTO chosen {source.keys}", source.values)
            (count,) = self._base.execute("SELECT count(*) FROM chosen").fetchone()
            if count:
                return int(count)
        return 0

    def _source(self, sight: str | None, ids: Sequence[str] | None, query: Query | None, thoroughly: bool) -> Source:
        if ids is not None:
            return self._finder.by_ids(sight, ids)
        return self._finder.by_query(sight, query, thoroughly) if query else self._finder.everything(sight)

    def _parts(self) -> Iterator[None]:
        """Puts what is chosen into the table `part`, a part at a time, each in a transaction of its own.

        One that takes long would keep the index from being written.
        """
        while True:
            with self._base:
                self._base.execute("BEGIN IMMEDIATE")
                self._base.execute("DELETE FROM part")
                moved = self._base.execute("INSERT INTO part SELECT key FROM chosen ORDER BY key DESC LIMIT ?", (PART,))
                if not moved.rowcount:
                    return
                self._base.execute("DELETE FROM chosen WHERE key IN (SELECT key FROM part)")
                yield


def _parsed(selected: Selected) -> Query | None:
    return parse(selected.query, zone_of(selected.zone)) if selected.query is not None else None


def zone_of(name: str) -> tzinfo:
    """The time zone with a name of the IANA database; UTC for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC
