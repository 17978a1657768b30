"""The databases of an index: tables, and how they are opened.

`index.db` is a cache: it may be deleted at any moment, and is made again when it is damaged, of another version, or was open
when the machine went down. `marks.db` is none: who has read what, tags, and what is deleted.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DIRECTORY = ".index"
"""In the directory of the mailboxes."""

VERSION = 4
"""Of the tables of index.db. One of another version is thrown away."""

LONG = 1_000
"""Messages of a stretch that is divided: a list steps over half as many, at most, to where it begins."""

PATIENCE = 5.0
"""Seconds to wait for another process that writes."""

CACHE = 8_000
"""KiB of the index that who writes it keeps in memory. Who only reads needs less: the system has it in memory, too."""

_LOWEST = -(1 << 62)
"""A key that is lower than any."""

_INDEX = f"""
CREATE TABLE mailbox (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT '',         -- what its reader said when it was read last
    generation INTEGER NOT NULL DEFAULT 0,  -- of the last time that all of it was read
    is_whole INTEGER NOT NULL DEFAULT 0,    -- whether that came to its end
    total INTEGER NOT NULL DEFAULT 0,
    unread INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE message (
    key INTEGER PRIMARY KEY,                -- microseconds from the epoch until it was received, made unique
    id TEXT NOT NULL UNIQUE,
    row TEXT NOT NULL,                      -- JSON: what a list shows of it
    size INTEGER NOT NULL,
    attachments INTEGER NOT NULL,
    inlines INTEGER NOT NULL,
    copies INTEGER NOT NULL DEFAULT 0,
    unread INTEGER NOT NULL DEFAULT 0       -- copies that are unread
);
CREATE TABLE copy (
    mailbox INTEGER NOT NULL,
    key INTEGER NOT NULL,
    place TEXT NOT NULL,
    generation INTEGER NOT NULL,
    is_read INTEGER NOT NULL,
    delivered TEXT NOT NULL,                -- JSON: the forward-paths that led to the mailbox
    PRIMARY KEY (mailbox, key)
) WITHOUT ROWID;
CREATE INDEX copy_of_message ON copy (key);
CREATE INDEX message_unread ON message (key) WHERE unread > 0;  -- rows of messages are long
CREATE INDEX message_with_attachments ON message (copies) WHERE attachments > 0;
CREATE INDEX message_gone ON message (key) WHERE copies = 0;
CREATE TABLE total (messages INTEGER NOT NULL, unread INTEGER NOT NULL);
INSERT INTO total VALUES (0, 0);

-- How many messages there are from one key to the next; mailbox 0 stands for all of them (stretches.py).
CREATE TABLE stretch (
    mailbox INTEGER NOT NULL,
    first INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (mailbox, first)
) WITHOUT ROWID;
CREATE INDEX stretch_long ON stretch (mailbox) WHERE messages > {LONG};
INSERT INTO stretch VALUES (0, {_LOWEST}, 0);
CREATE TRIGGER mailbox_comes AFTER INSERT ON mailbox BEGIN
    INSERT INTO stretch VALUES (new.number, {_LOWEST}, 0);
END;
CREATE TRIGGER mailbox_goes AFTER DELETE ON mailbox BEGIN
    DELETE FROM stretch WHERE mailbox = old.number;
END;

CREATE TRIGGER copy_comes AFTER INSERT ON copy BEGIN
    UPDATE stretch SET messages = messages + 1 WHERE mailbox = new.mailbox
        AND first = (SELECT max(first) FROM stretch WHERE mailbox = new.mailbox AND first <= new.key);
    UPDATE mailbox SET total = total + 1, unread = unread + 1 - new.is_read WHERE number = new.mailbox;
    UPDATE message SET copies = copies + 1, unread = unread + 1 - new.is_read WHERE key = new.key;
END;
CREATE TRIGGER copy_goes AFTER DELETE ON copy BEGIN
    UPDATE stretch SET messages = messages - 1 WHERE mailbox = old.mailbox
        AND first = (SELECT max(first) FROM stretch WHERE mailbox = old.mailbox AND first <= old.key);
    UPDATE mailbox SET total = total - 1, unread = unread - 1 + old.is_read WHERE number = old.mailbox;
    UPDATE message SET copies = copies - 1, unread = unread - 1 + old.is_read WHERE key = old.key;
END;
CREATE TRIGGER copy_is_marked AFTER UPDATE OF is_read ON copy WHEN new.is_read <> old.is_read BEGIN
    UPDATE mailbox SET unread = unread + old.is_read - new.is_read WHERE number = new.mailbox;
    UPDATE message SET unread = unread + old.is_read - new.is_read WHERE key = new.key;
END;
CREATE TRIGGER message_is_counted AFTER UPDATE OF copies, unread ON message BEGIN
    UPDATE total SET messages = messages + (new.copies > 0) - (old.copies > 0),
                     unread = unread + (new.unread > 0) - (old.unread > 0);
END;
CREATE TRIGGER message_appears AFTER UPDATE OF copies ON message WHEN (new.copies > 0) <> (old.copies > 0) BEGIN
    UPDATE stretch SET messages = messages + (new.copies > 0) - (old.copies > 0) WHERE mailbox = 0
        AND first = (SELECT max(first) FROM stretch WHERE mailbox = 0 AND first <= new.key);
END;

-- What is searched: folded texts (matching.folded), a row a message.
CREATE TABLE searched (
    key INTEGER PRIMARY KEY,
    sender TEXT NOT NULL, recipients TEXT NOT NULL, cc TEXT NOT NULL, bcc TEXT NOT NULL, reply_to TEXT NOT NULL,
    subject TEXT NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL, files TEXT NOT NULL
);
CREATE VIRTUAL TABLE heads USING fts5 (
    sender, recipients, cc, bcc, reply_to, subject, message_id,
    content='searched', content_rowid='key', tokenize='trigram', columnsize=0
);
CREATE VIRTUAL TABLE words USING fts5 (
    body, files, content='searched', content_rowid='key', tokenize='unicode61 remove_diacritics 0', columnsize=0
);
CREATE TRIGGER searched_comes AFTER INSERT ON searched BEGIN
    INSERT INTO heads (rowid, sender, recipients, cc, bcc, reply_to, subject, message_id)
        VALUES (new.key, new.sender, new.recipients, new.cc, new.bcc, new.reply_to, new.subject, new.message_id);
    INSERT INTO words (rowid, body, files) VALUES (new.key, new.body, new.files);
END;
CREATE TRIGGER searched_goes AFTER DELETE ON searched BEGIN
    INSERT INTO heads (heads, rowid, sender, recipients, cc, bcc, reply_to, subject, message_id)
        VALUES ('delete', old.key, old.sender, old.recipients, old.cc, old.bcc, old.reply_to, old.subject, old.message_id);
    INSERT INTO words (words, rowid, body, files) VALUES ('delete', old.key, old.body, old.files);
END;
"""

_MARKS = """
CREATE TABLE IF NOT EXISTS marks.mark (id TEXT NOT NULL, mailbox TEXT NOT NULL, PRIMARY KEY (id, mailbox)) WITHOUT ROWID;
-- A message that was read.
CREATE TABLE IF NOT EXISTS marks.tag (id TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (id, tag)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks.tombstone (
    id TEXT NOT NULL, mailbox TEXT NOT NULL,
    place TEXT NOT NULL,
    due REAL NOT NULL,                      -- when it is removed from the mailbox: seconds from the epoch
    removed REAL,                           -- when it was; NULL if it was not yet
    PRIMARY KEY (id, mailbox)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS marks.tombstone_due ON tombstone (due) WHERE removed IS NULL;
"""


def opened(directory: Path, cache: int = CACHE) -> sqlite3.Connection:
    """Both databases of a directory of mailboxes, made if they are missing. For one thread at a time. `cache` is in KiB.

    Several processes may have them open. Raises sqlite3.Error, and OSError if the directory cannot be written to.
    """
    place = directory / DIRECTORY
    place.mkdir(mode=0o700, exist_ok=True)
    with _alone(place):
        _forget_after_reboot(place)
        try:
            return _opened(place, cache)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:  # it is well, and somebody writes
                raise
            forget(directory)
            return _opened(place, cache)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Nobody else opens the databases meanwhile: two that begin together would each throw away what the other has made."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def inode(directory: Path) -> int:
    """Which file the cache is now; 0 if it is missing. Whoever has opened another one has to open it again."""
    try:
        return (directory / DIRECTORY / "index.db").stat().st_ino
    except OSError:
        return 0


def forget(directory: Path) -> None:
    """Deletes the cache."""
    for suffix in ("", "-wal", "-shm"):
        (directory / DIRECTORY / f"index.db{suffix}").unlink(missing_ok=True)


def _opened(place: Path, cache: int) -> sqlite3.Connection:
    connection = sqlite3.connect(place / "index.db", timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA synchronous = off")
        connection.execute(f"PRAGMA cache_size = -{cache}")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        connection.execute("ATTACH ? AS marks", (str(place / "marks.db"),))
        connection.execute("PRAGMA marks.journal_mode = wal")
        connection.execute("PRAGMA marks.synchronous = full")
        if not _is_made(connection):
            _make(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_made(connection: sqlite3.Connection) -> bool:
    """Whether all tables are there: then nobody who writes has to be waited for."""
    (version,) = connection.execute("PRAGMA main.user_version").fetchone()
    made = connection.execute("SELECT 1 FROM marks.sqlite_master WHERE name = 'tombstone_due'").fetchone()  # the last one
    return bool(version == VERSION and made)


def _make(connection: sqlite3.Connection) -> None:
    """Makes the tables that are missing. Raises sqlite3.DatabaseError if the index is of another version."""
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA main.user_version").fetchone()
    if version not in (0, VERSION):
        raise sqlite3.DatabaseError("the index is of another version")
    if version == 0:
        for statement in _statements(_INDEX):
            connection.execute(statement)
        connection.execute(f"PRAGMA main.user_version = {VERSION}")
    for statement in _statements(_MARKS):
        connection.execute(statement)
    connection.execute("COMMIT")


def _statements(script: str) -> list[str]:
    """The statements of a script; `executescript` would commit in between."""
    statements, part = [], ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            statements.append(part)
            part = ""
    return statements


def _forget_after_reboot(place: Path) -> None:
    """Throws the cache away if the machine was started since it was made: without syncs, it may be anything."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        boot = ""
    mark = place / "boot"
    with suppress(OSError):
        if mark.read_text() == boot:
            return
    forget(place.parent)
    temporary = place / f"boot.{os.getpid()}"
    temporary.write_text(boot)
    temporary.replace(mark)
