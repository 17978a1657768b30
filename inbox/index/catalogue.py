"""What is in the index, found and counted, and who has read it: the questions and changes of those who look at mail.

Knows nothing about how the index came to be, nor about files. A question takes LONGEST seconds at most, and raises
TimeoutError then; a change of very many messages may take longer. All raise sqlite3.Error. For one thread.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ..mime.shown import with_hidden
from ..search.matching import folded
from ..search.query import Query, parse
from . import compiling
from .schema import inode, opened

THOROUGH = 0.3
"""Seconds for looking within words, when a search for words has found nothing."""

LONGEST = 1.0
"""Seconds after which a question is given up."""

MOST_TAGS = 100
"""Tags of a message."""

PART = 1_000
"""Messages that are changed in one transaction."""

_OWN = "key IN (SELECT key FROM part) AND (?1 IS NULL OR mailbox = (SELECT number FROM mailbox WHERE name = ?1))"
"""The copies of what is chosen that are in sight (?1)."""

_STEPS = 1000
"""Steps of SQLite between two looks at the clock."""


class Selected(NamedTuple):
    """Some messages: those with these ids, or those that a query finds, or all."""

    ids: Sequence[str] | None = None
    query: str | None = None
    zone: str = "UTC"


class Found(NamedTuple):
    """A part of what was found, newest first, as JSON-ready rows."""

    total: int
    unread: int
    found: int
    rows: list[dict[str, Any]]


class Place(NamedTuple):
    """Where a copy of a message is, and the forward-paths that led there."""

    mailbox: str
    place: str
    delivered: list[str]


class _From(NamedTuple):
    """The tables of a sight, and what is asked of them. `m` is the message; `c` its copy in the mailbox, if there is one."""

    tables: str
    key: str
    """The column that gives the order at no cost."""
    unread: str
    where: str
    values: tuple[object, ...]
    match: str = ""
    """What FTS5 is asked for, if that is all."""


class _Newest(NamedTuple):
    """How many messages were found, and the keys of the newest."""

    found: int
    keys: list[int]


class Catalogue:
    """The index of a directory of mailboxes. A sight is the name of a mailbox, or None for all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._until = 0.0
        self._base = self._opened()

    def _opened(self) -> sqlite3.Connection:
        base = opened(self._directory)
        base.create_function("folded", 1, folded, deterministic=True)
        base.set_progress_handler(self._is_late, _STEPS)
        self._inode = inode(self._directory)
        return base

    def renew(self) -> None:
        """Opens the index again if somebody has deleted it: another one is being made."""
        if inode(self._directory) != self._inode:
            self._base.close()
            self._base = self._opened()

    def close(self) -> None:
        """Closes the databases."""
        self._base.close()

    # Questions

    def mailboxes(self) -> list[dict[str, Any]]:
        """All mailboxes by name, with their counts."""
        rows = self._ask("SELECT name, total, unread FROM mailbox ORDER BY name")
        return [{"Name": name, "Total": total, "Unread": unread} for name, total, unread in rows]

    def page(self, sight: str | None, selected: Selected, start: int, limit: int) -> Found:
        """Finds messages. Raises QueryError, too."""
        total, unread = self._totals(sight)
        query = _parsed(selected)
        source = self._from(sight, selected, query)
        at_once = self._anywhere(query, start + limit) if query and sight is None else None
        if selected.ids is None and query is None:
            found = total
        elif at_once and at_once.found:
            found, source, start = at_once.found, self._from_keys(at_once.keys[start:]), 0
        else:
            found = 0 if at_once else self._count(source)
            if not found and query and compiling.has_words(query):
                source = self._from(sight, selected, query, thoroughly=True)
                with suppress(TimeoutError):
                    found = self._count(source, THOROUGH)
        rows = self._rows(sight, source, start, limit) if found else []
        return Found(total, unread, found, rows)

    def row(self, sight: str | None, id: str) -> dict[str, Any] | None:
        """A message in a list; None if it is not in sight."""
        rows = self._rows(sight, self._from(sight, Selected([id]), None), 0, 1)
        return rows[0] if rows else None

    def places(self, sight: str | None, id: str) -> list[Place]:
        """Where the copies in sight are."""
        rows = self._ask(
            "SELECT b.name, c.place, c.delivered FROM message m JOIN copy c ON c.key = m.key"
            " JOIN mailbox b ON b.number = c.mailbox"
            " WHERE m.id = ?1 AND (?2 IS NULL OR b.name = ?2)",
            (id, sight),
        )
        return [Place(name, place, json.loads(delivered)) for name, place, delivered in rows]

    def tags(self, sight: str | None) -> list[str]:
        """All tags in use."""
        rows = self._ask(  # from the few tags to their messages; SQLite would begin with all copies
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

    # How they are asked

    def _totals(self, sight: str | None) -> tuple[int, int]:
        if sight is None:
            rows = self._ask("SELECT messages, unread FROM total")
        else:
            rows = self._ask("SELECT total, unread FROM mailbox WHERE name = ?", (sight,))
        return rows[0] if rows else (0, 0)

    def _from(self, sight: str | None, selected: Selected, query: Query | None, thoroughly: bool = False) -> _From:
        tables, key, unread, where = ["message m"], "m.key", "m.unread > 0", ["m.copies > 0"]
        given: list[object] = []
        if sight is not None:
            tables, key, unread = ["copy c", "message m ON m.key = c.key"], "c.key", "c.is_read = 0"
            where, given = ["c.mailbox = (SELECT number FROM mailbox WHERE name = ?)"], [sight]
        match = ""
        if selected.ids is not None:
            where.append("m.id IN (SELECT value FROM json_each(?))")
            given.append(json.dumps(list(selected.ids)))
        elif query is not None:
            match, rest = compiling.compiled(query, f"({unread})", thoroughly)
            if match:
                copies = ["copy c ON c.key = h.rowid"] if sight is not None else []
                tables, key = ["heads h", *copies, "message m ON m.key = h.rowid"], "h.rowid"
                where.append("heads MATCH ?")
                given.append(match)
            if rest.sql:
                where.append(rest.sql)
                given += rest.values
                match = ""
        return _From(" CROSS JOIN ".join(tables), key, unread, " AND ".join(where), tuple(given), "" if sight else match)

    def _count(self, source: _From, seconds: float = LONGEST) -> int:
        """How many there are. What FTS5 finds need not be looked up, unless messages are gone that it still knows."""
        if source.match and not self._has_gone():
            rows = self._ask("SELECT count(*) FROM heads WHERE heads MATCH ?", (source.match,), seconds)
        else:
            rows = self._ask(f"SELECT count(*) FROM {source.tables} WHERE {source.where}", source.values, seconds)
        return int(rows[0][0]) if rows else 0

    def _anywhere(self, query: Query, most: int) -> _Newest | None:
        """What has a text that may stand anywhere, in the sight of all. None if this cannot tell.

        FTS5 counts many, and gives the newest, without looking up each.
        """
        asked = compiling.anywhere(query)
        if not asked or self._has_gone():
            return None
        keys: set[int] = set()
        counts = []
        for table, match in zip(("heads", "words"), asked, strict=True):
            sql = f"FROM {table} WHERE {table} MATCH ?"
            keys.update(key for (key,) in self._ask(f"SELECT rowid {sql} ORDER BY rowid DESC LIMIT ?", (match, most)))
            counts += self._ask(f"SELECT count(*) {sql}", (match,))[0]
        if all(counts):
            both = "heads MATCH ? AND rowid IN (SELECT rowid FROM words WHERE words MATCH ?)"
            counts.append(-self._ask(f"SELECT count(*) FROM heads WHERE {both}", asked)[0][0])
        return _Newest(sum(counts), sorted(keys, reverse=True)[:most])

    @staticmethod
    def _from_keys(keys: Sequence[int]) -> _From:
        where = "m.key IN (SELECT value FROM json_each(?))"
        return _From("message m", "m.key", "m.unread > 0", where, (json.dumps(list(keys)),))

    def _has_gone(self) -> bool:
        """Whether there are messages without a copy, of which FTS5 still knows."""
        return bool(self._ask("SELECT 1 FROM message WHERE copies = 0 LIMIT 1"))

    def _rows(self, sight: str | None, source: _From, start: int, limit: int) -> list[dict[str, Any]]:
        found = self._ask(
            f"SELECT m.key, m.id, m.row, {source.unread} FROM {source.tables} WHERE {source.where}"
            f" ORDER BY {source.key} DESC LIMIT ? OFFSET ?",
            (*source.values, limit, start),
        )
        keys = json.dumps([key for key, _, _, _ in found])
        owners: dict[int, list[str]] = {}
        delivered: dict[int, list[str]] = {}
        for key, name, paths in self._ask(
            "SELECT c.key, b.name, c.delivered FROM json_each(?1) k JOIN copy c ON c.key = k.value"
            " JOIN mailbox b ON b.number = c.mailbox"
            " WHERE ?2 IS NULL OR b.name = ?2 ORDER BY b.name",
            (keys, sight),
        ):
            owners.setdefault(key, []).append(name)
            delivered.setdefault(key, []).extend(json.loads(paths))
        tags: dict[str, list[str]] = {}
        for id, tag in self._ask(
            "SELECT t.id, t.tag FROM json_each(?) k JOIN marks.tag t ON t.id = k.value ORDER BY t.tag",
            (json.dumps([id for _, id, _, _ in found]),),
        ):
            tags.setdefault(id, []).append(tag)
        return [
            {
                **with_hidden(json.loads(row), delivered.get(key, [])),
                "Read": not unread,
                "Tags": tags.get(id, []),
                "Mailboxes": owners.get(key, []),
            }
            for key, id, row, unread in found
        ]

    def _select(self, sight: str | None, selected: Selected) -> int:
        """Fills the table `chosen` with the keys of what is selected. Returns how many."""
        query = _parsed(selected)
        for table in ("chosen", "part"):
            self._base.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} (key INTEGER PRIMARY KEY)")
        self._base.execute("DELETE FROM chosen")
        for thoroughly in (False, True) if query and compiling.has_words(query) else (False,):
            source = self._from(sight, selected, query, thoroughly)
            self._base.execute(f"INSERT INTO chosen SELECT m.key FROM {source.tables} WHERE {source.where}", source.values)
            (count,) = self._base.execute("SELECT count(*) FROM chosen").fetchone()
            if count:
                return int(count)
        return 0

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

    def _ask(self, sql: str, values: Sequence[object] = (), seconds: float = LONGEST) -> list[Any]:
        """The rows that a statement finds. Raises TimeoutError if that takes longer than these seconds."""
        self._until = time.monotonic() + seconds
        try:
            return self._base.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                raise TimeoutError("the search takes too long") from None
            raise
        finally:
            self._until = 0.0

    def _is_late(self) -> bool:
        return bool(self._until) and time.monotonic() > self._until


def _parsed(selected: Selected) -> Query | None:
    return parse(selected.query, zone_of(selected.zone)) if selected.query is not None else None


def zone_of(name: str) -> tzinfo:
    """The time zone with a name of the IANA database; UTC for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC
