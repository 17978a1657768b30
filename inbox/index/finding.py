"""Finding messages in the index: questions as SQL, what they find and how many that are.

What is found is listed before it is counted, since what fills no page need not be counted. What FTS5 tells in order is
asked for in order, and the table of messages is left alone as long as keys will do: its rows are long. Knows nothing about
changes.
"""

import json
import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ..mime.shown import with_hidden
from ..search.query import Is, Query
from . import compiling
from .schema import LONG
from .stretches import beginning

THOROUGH = 0.3
"""Seconds for looking within words, when a search for words has found nothing."""

LONGEST = 1.0
"""Seconds after which a question is given up."""

MOST_ENDINGS = 16
"""Words that begin alike of which each is asked for."""

MOST_COUNTS = 20
"""Counts that are remembered."""

_STEPS = 1000
"""Steps of SQLite between two looks at the clock."""

_THERE = "m.copies > 0"
_ITS_MESSAGE = " CROSS JOIN message m ON m.key = c.key"
_OF_MESSAGES = re.compile(r"\bm\.(?!key\b)")
_UNREAD = "EXISTS (SELECT 1 FROM message u INDEXED BY message_unread WHERE u.key = {key} AND u.unread > 0)"
_UNREAD_ONES = "SELECT key FROM message INDEXED BY message_unread WHERE unread > 0"
_READ_ONES = (
    "SELECT DISTINCT m.key FROM marks.mark r CROSS JOIN message m ON m.id = r.id WHERE m.unread = 0 AND m.copies > 0"
)
_IS_AMONG = (  # FTS5 begins and ends with the range; asked for each of them, it would take long for each
    "rowid BETWEEN (SELECT min(key) FROM few) AND (SELECT max(key) FROM few) AND +rowid IN (SELECT key FROM few)"
)
_AMONG = (
    f"SELECT rowid FROM heads WHERE heads MATCH ? AND {_IS_AMONG}"
    f" UNION ALL SELECT rowid FROM words WHERE words MATCH ? AND {_IS_AMONG}"
)
_NUMBER = "(SELECT number FROM mailbox WHERE name = ?)"


class Found(NamedTuple):
    """A part of what was found, newest first, as JSON-ready rows."""

    total: int
    unread: int
    found: int
    rows: list[dict[str, Any]]


class Source(NamedTuple):
    """Some messages: the tables of a sight, and what is asked of them. `m` is the message; `c` its copy in the mailbox, if
    there is one.
    """

    tables: str
    key: str
    """The column that gives the order at no cost."""
    unread: str
    where: str
    values: tuple[object, ...]
    match: str = ""
    """What FTS5 is asked for, if that is all but for the sight."""

    def narrowed(self, condition: str, *values: object) -> "Source":
        """Those of them for which this holds, too."""
        return self._replace(where=f"{self.where} AND {condition}", values=(*self.values, *values), match="")

    @property
    def keys(self) -> str:
        """The statement that gives their keys. Copies know these, and have short rows: if that is enough, they are asked."""
        where = self.where.removeprefix(f"{_THERE} AND ")
        if _OF_MESSAGES.search(where):
            return f"SELECT {self.key} FROM {self.tables} WHERE {self.where}"
        if self.tables == "message m":
            return f"SELECT DISTINCT c.key FROM copy c WHERE {where.replace('m.key', 'c.key')}"
        return f"SELECT {self.key} FROM {self.tables.removesuffix(_ITS_MESSAGE)} WHERE {self.where}"


class _Newest(NamedTuple):
    """How many messages were found, and the keys of the newest."""

    found: int
    keys: list[int]


class Finder:
    """Asks an open index. A sight is the name of a mailbox, or None for all. Raises TimeoutError, and sqlite3.Error."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._until = 0.0
        self._counts: dict[tuple[str, Sequence[object]], int] = {}
        self._counted_in: object = None
        base.set_progress_handler(self._is_late, _STEPS)
        base.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.word USING fts5vocab('main', 'words', 'instance')")

    def ask(self, sql: str, values: Sequence[object] = (), seconds: float = LONGEST) -> list[Any]:
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

    # Pages

    def page(self, sight: str | None, start: int, limit: int) -> Found:
        """A part of all messages."""
        total, unread = self._totals(sight)
        rows = self.rows(sight, *self._from_stretch(sight, self.everything(sight), start), limit) if total else []
        return Found(total, unread, total, rows)

    def chosen(self, sight: str | None, ids: Sequence[str], start: int, limit: int) -> Found:
        """Those that have these ids."""
        total, unread = self._totals(sight)
        source = self.by_ids(sight, ids)
        return Found(total, unread, self._count(source, False), self.rows(sight, source, start, limit))

    def searched(self, sight: str | None, query: Query, start: int, limit: int) -> Found:
        """Those that a query finds."""
        total, unread = self._totals(sight)
        is_all = sight is None or self._totals(None)[0] == total
        newest = self._anywhere(query, start + limit) if is_all else None
        if newest:
            found, source = newest.found, self._by_keys(sight, newest.keys[start:])
            rows = self.rows(sight, source, 0, limit)
        else:
            rows = self.rows(sight, self.by_query(sight, query), start, limit)
            is_end = len(rows) < limit and (rows or not start)
            if set(query.terms) == {Is("unread")}:  # twice, when a search for it asks how many are unread
                found = unread
            elif is_end:
                found = start + len(rows)
            else:
                among = self._among_marked(query, total, unread) if sight is None else None
                found = self._count(self.by_query(sight, query, by_key=True), is_all) if among is None else among
        if not found and compiling.has_words(query):
            source = self.by_query(sight, query, thoroughly=True)
            with suppress(TimeoutError):
                found = self._count(source, is_all, THOROUGH)
            rows = self.rows(sight, source, start, limit) if found else []
        return Found(total, unread, found, rows)

    def _totals(self, sight: str | None) -> tuple[int, int]:
        if sight is None:
            rows = self.ask("SELECT messages, unread FROM total")
        else:
            rows = self.ask("SELECT total, unread FROM mailbox WHERE name = ?", (sight,))
        return rows[0] if rows else (0, 0)

    # Which messages

    @staticmethod
    def everything(sight: str | None) -> Source:
        """All in sight."""
        if sight is None:
            return Source("message m", "m.key", "m.unread > 0", _THERE, ())
        return Source(f"copy c{_ITS_MESSAGE}", "c.key", "c.is_read = 0", f"c.mailbox = {_NUMBER}", (sight,))

    def by_ids(self, sight: str | None, ids: Sequence[str]) -> Source:
        """Those that have these ids: from the messages to their copies, of which a mailbox has many."""
        source = self.everything(sight)
        if sight is not None:
            source = source._replace(tables="message m CROSS JOIN copy c ON c.key = m.key", key="m.key")
        return source.narrowed("m.id IN (SELECT value FROM json_each(?))", json.dumps(list(ids)))

    def _by_keys(self, sight: str | None, keys: Sequence[int]) -> Source:
        source = self.everything(sight)
        return source.narrowed(f"{source.key} IN (SELECT value FROM json_each(?))", json.dumps(list(keys)))

    def by_query(self, sight: str | None, query: Query, thoroughly: bool = False, by_key: bool = False) -> Source:
        """Those that a query finds. FTS5 gives its finds in order: what it alone can tell leads.

        `by_key`: whether a message is unread is asked in a way that leaves its row alone, and the order to chance.
        """
        source = self.everything(sight)
        unread = _UNREAD.format(key=source.key) if by_key and sight is None else f"({source.unread})"
        match, rest = compiling.compiled(query, compiling.Sight(source.key, unread), self._endings, thoroughly)
        if match:
            copies = "copy c ON c.key = h.rowid CROSS JOIN " if sight is not None else ""
            tables = f"heads h CROSS JOIN {copies}message m ON m.key = h.rowid"
            source = source._replace(tables=tables, key="h.rowid").narrowed("heads MATCH ?", match)
        if rest.sql:
            return source.narrowed(rest.sql, *rest.values)
        return source._replace(match=match)

    def _from_stretch(self, sight: str | None, source: Source, start: int) -> tuple[Source, int]:
        """The same list from the stretch on that has its message number `start`, and how many of it are left out then."""
        if start < LONG:
            return source, start
        number, values = ("0", ()) if sight is None else (_NUMBER, (sight,))
        stretches = f"SELECT first, messages FROM stretch WHERE mailbox = {number} ORDER BY first DESC"
        below, skipped = beginning(self.ask(stretches, values), start)
        return (source if below is None else source.narrowed(f"{source.key} < ?", below)), start - skipped

    # How many

    def _count(self, source: Source, is_all: bool, seconds: float = LONGEST) -> int:
        """How many there are. Where all is in sight, what FTS5 finds need not be looked up, unless it still knows messages
        that are gone.
        """
        if source.match and is_all and not self._has_gone():
            return self._counted("heads WHERE heads MATCH ?", (source.match,), seconds)
        return self._counted(f"({source.keys})", source.values, seconds)

    def _counted(self, source: str, values: tuple[object, ...], seconds: float = LONGEST) -> int:
        """Counts rows, unless nothing has changed since they were counted: whoever turns pages asks for the same again."""
        versions = [self.ask(f"PRAGMA {base}.data_version")[0] for base in ("main", "marks")]
        if self._counted_in != (now := (versions, self._base.total_changes)) or len(self._counts) > MOST_COUNTS:
            self._counts.clear()
            self._counted_in = now
        if (source, values) not in self._counts:
            ((count,),) = self.ask(f"SELECT count(*) FROM {source}", values, seconds)
            self._counts[source, values] = count
        return self._counts[source, values]

    def _among_marked(self, query: Query, total: int, unread: int) -> int | None:
        """How many of all messages a query finds that says whether they are read, and texts that may stand anywhere; None
        for any other query. Those that are read are counted, or those that are not: the fewer.
        """
        states = {term for term in query.terms if term in (Is("read"), Is("unread"))}
        texts = Query(tuple(term for term in query.terms if term not in states))
        asked = compiling.anywhere(texts, self._endings) if texts.terms and len(states) == 1 else []
        if not asked or self._has_gone():
            return None
        are_unread_few = unread <= total - unread
        few, found = _UNREAD_ONES if are_unread_few else _READ_ONES, " AND ".join([f"key IN ({_AMONG})"] * len(asked))
        values = tuple(match for pair in asked for match in pair)
        count = self._counted(f"(WITH few(key) AS MATERIALIZED ({few}) SELECT key FROM few WHERE {found})", values)
        if are_unread_few == (Is("unread") in states):
            return count
        newest = self._anywhere(texts, 0)
        return newest.found - count if newest else None

    def _anywhere(self, query: Query, most: int) -> _Newest | None:
        """What has texts that may stand anywhere, where all is in sight. None if this cannot tell.

        FTS5 counts many, and gives the newest, without looking up each.
        """
        asked = compiling.anywhere(query, self._endings)
        if not asked or self._has_gone():
            return None
        heads, words = (" AND ".join(each) for each in zip(*asked, strict=True))
        if len(asked) == 1:
            return self._in_either(heads, words, most)
        if any(self.ask("SELECT 1 FROM heads WHERE heads MATCH ? LIMIT 1", (head,)) for head, _ in asked):
            return self._in_all(asked, most)
        return self._in_either("", words, most)

    def _in_either(self, heads: str, words: str, most: int) -> _Newest:
        """What is found in one of the two tables, or in both."""
        keys: set[int] = set()
        counts = []
        for table, match in (("heads", heads), ("words", words)) if heads else (("words", words),):
            source = f"{table} WHERE {table} MATCH ?"
            found = self.ask(f"SELECT rowid FROM {source} ORDER BY rowid DESC LIMIT ?", (match, most))
            keys.update(key for (key,) in found)
            counts.append(len(found) if len(found) < most else self._counted(source, (match,)))
        if heads and all(counts):
            both = "heads WHERE heads MATCH ? AND rowid IN (SELECT rowid FROM words WHERE words MATCH ?)"
            counts.append(-self._counted(both, (heads, words)))
        return _Newest(sum(counts), sorted(keys, reverse=True)[:most])

    def _in_all(self, asked: Sequence[tuple[str, str]], most: int) -> _Newest:
        """What is found for each of several texts, in one of the two tables."""
        keys = f"SELECT * FROM ({compiling.EITHER})"
        sql = " INTERSECT ".join([keys] * len(asked))
        values = [match for pair in asked for match in pair]
        rows = self.ask(
            f"WITH k(key) AS MATERIALIZED ({sql}) SELECT key, count(*) OVER () FROM k ORDER BY key DESC LIMIT ?",
            (*values, max(most, 1)),
        )
        return _Newest(rows[0][1] if rows else 0, [key for key, _ in rows][:most])

    def _endings(self, beginning: str) -> list[str] | None:
        """The words that begin so; None if they are many. FTS5 leads to each at once, however often it occurs."""
        found: list[str] = []
        at = beginning
        while rows := self.ask("SELECT term FROM temp.word WHERE term >= ? ORDER BY term LIMIT 1", (at,)):
            ((word,),) = rows
            if not word.startswith(beginning):
                break
            found.append(word)
            if len(found) > MOST_ENDINGS:
                return None
            at = word + "\1"  # which no word has
        return found

    def _has_gone(self) -> bool:
        """Whether there are messages without a copy, of which FTS5 still knows."""
        return bool(self.ask("SELECT 1 FROM message WHERE copies = 0 LIMIT 1"))

    # Rows

    def rows(self, sight: str | None, source: Source, start: int, limit: int) -> list[dict[str, Any]]:
        """What a list shows of them, newest first."""
        found = limit and self.ask(
            f"SELECT m.key, m.id, m.row, {source.unread} FROM {source.tables} WHERE {source.where}"
            f" ORDER BY {source.key} DESC LIMIT ? OFFSET ?",
            (*source.values, limit, start),
        )
        if not found:
            return []
        keys = json.dumps([key for key, _, _, _ in found])
        owners: dict[int, list[str]] = {}
        delivered: dict[int, list[str]] = {}
        for key, name, paths in self.ask(
            "SELECT c.key, b.name, c.delivered FROM json_each(?1) k JOIN copy c ON c.key = k.value"
            " JOIN mailbox b ON b.number = c.mailbox"
            " WHERE ?2 IS NULL OR b.name = ?2 ORDER BY b.name",
            (keys, sight),
        ):
            owners.setdefault(key, []).append(name)
            delivered.setdefault(key, []).extend(json.loads(paths))
        tags: dict[str, list[str]] = {}
        for id, tag in self.ask(
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
