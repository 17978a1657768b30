"""The tables of the database, made and migrated; and whether a cluster keeps what it acknowledges on two disks.

Knows nothing about messages on their way. Each entry of MIGRATIONS leads from one version to the next, in one transaction.

- `message` has the content of a message once: `raw`, octet for octet; or null, and `piece` has it in rows, in the order of
  `n`. `size` counts its octets in either case. It is partitioned by its id, and so by time (see `ids.py`).
- `delivery` says which mailboxes have it. Readers number the deliveries of a mailbox (`uid`) in the order of `seq`, under a
  lock on the mailbox's row: who delivers must not wait for that lock, which lasts as long as a commit.
- Two indexes of `delivery` are partial: one has the deliveries without a number, the other those with one. So who delivers
  pays for one of them, and who reads finds at once what is new.
- `mailbox.changes` counts what is taken out of a mailbox. With the next number it is a state that tells readers whether
  anything happened.
- There are no foreign keys: both rows are written in one transaction, and keys would cost a fifth of the speed.
- `address` says which mailbox has the mail for a name, in lower case; '*' stands for all other names. A name that is taken
  away stays as a row without a mailbox, so that who has loaded the others by `version` hears of it. Changes exclude each
  other until they are committed, so that versions become visible in their order.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from ...errors import StorageError
from . import ids
from .direct import Direct, connected
from .hosts import IS_STANDBY, Host

WEEK_SECONDS = 7 * 86400
WEEKS_AHEAD = 26
"""Partitions that are made for weeks to come. What comes later goes to the default partition."""

_FIRST = """
CREATE TABLE mailbox (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text UNIQUE NOT NULL,
    uidnext bigint NOT NULL DEFAULT 1,
    uidvalidity int NOT NULL DEFAULT extract(epoch FROM now())::int
);
CREATE TABLE address (name text PRIMARY KEY, mailbox int, version bigint NOT NULL DEFAULT 0);
CREATE INDEX ON address (version);
CREATE SEQUENCE address_version;
CREATE FUNCTION address_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('address'::regclass::oid::bigint);
    IF TG_OP = 'DELETE' THEN
        UPDATE address SET mailbox = NULL WHERE name = OLD.name;
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' AND EXISTS (SELECT FROM address WHERE name = NEW.name AND mailbox IS NULL) THEN
        UPDATE address SET mailbox = NEW.mailbox WHERE name = NEW.name;
        RETURN NULL;
    ELSIF TG_OP = 'UPDATE' AND NEW.name <> OLD.name THEN
        RAISE EXCEPTION 'a name does not change: insert the new one, and delete the old one';
    ELSIF NEW.name <> translate(NEW.name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') THEN
        RAISE EXCEPTION 'a name is in lower case: write it so';
    END IF;
    NEW.version := nextval('address_version');
    RETURN NEW;
END $$;
CREATE FUNCTION address_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY carteiro_address;
    RETURN NULL;
END $$;
CREATE TRIGGER changes BEFORE INSERT OR UPDATE OR DELETE ON address FOR EACH ROW EXECUTE FUNCTION address_changes();
CREATE TRIGGER changed AFTER INSERT OR UPDATE ON address FOR EACH STATEMENT EXECUTE FUNCTION address_changed();
CREATE TABLE message (
    id uuid PRIMARY KEY,
    received timestamptz NOT NULL DEFAULT now(),
    reverse_path bytea NOT NULL,
    size int NOT NULL,
    raw bytea,
    tries int NOT NULL DEFAULT 1
) PARTITION BY RANGE (id);
CREATE TABLE piece (message uuid, n int, data bytea NOT NULL, PRIMARY KEY (message, n));
CREATE TABLE delivery (
    message uuid,
    mailbox int,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    forward_path bytea NOT NULL,
    uid int,
    flags int NOT NULL DEFAULT 0,
    PRIMARY KEY (message, mailbox)
);
CREATE INDEX ON delivery (mailbox, seq);
CREATE TABLE heartbeat (front_end text PRIMARY KEY, beaten timestamptz NOT NULL DEFAULT now());
DO $$
BEGIN
    ALTER TABLE message ALTER raw SET COMPRESSION lz4;
    ALTER TABLE piece ALTER data SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    ALTER TABLE message ALTER raw SET STORAGE EXTERNAL;
    ALTER TABLE piece ALTER data SET STORAGE EXTERNAL;
END $$;
CREATE TABLE message_rest PARTITION OF message DEFAULT;
"""

_READING = """
ALTER TABLE mailbox ADD changes bigint NOT NULL DEFAULT 0;
ALTER TABLE message ADD verbatim boolean NOT NULL DEFAULT false;
CREATE INDEX delivery_new ON delivery (mailbox, seq) WHERE uid IS NULL;
CREATE UNIQUE INDEX delivery_numbered ON delivery (mailbox, uid) WHERE uid IS NOT NULL;
DROP INDEX delivery_mailbox_seq_idx;
CREATE FUNCTION number_deliveries(which int, most int, waits boolean) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    first_uid bigint;
    given int;
BEGIN
    IF NOT EXISTS (SELECT FROM delivery WHERE mailbox = which AND uid IS NULL) THEN
        RETURN 0;
    ELSIF waits THEN
        SELECT uidnext INTO first_uid FROM mailbox WHERE id = which FOR NO KEY UPDATE;
    ELSE
        SELECT uidnext INTO first_uid FROM mailbox WHERE id = which FOR NO KEY UPDATE SKIP LOCKED;
    END IF;
    IF first_uid IS NULL THEN
        RETURN 0;
    END IF;
    -- What is new is looked for once the row is locked: others may have numbered meanwhile.
    WITH due AS (
        SELECT message, seq FROM delivery WHERE mailbox = which AND uid IS NULL
            ORDER BY seq LIMIT most FOR UPDATE SKIP LOCKED
    ), numbered AS (
        SELECT message, row_number() OVER (ORDER BY seq) - 1 AS place FROM due
    )
    UPDATE delivery SET uid = first_uid + place FROM numbered
        WHERE delivery.message = numbered.message AND delivery.mailbox = which;
    GET DIAGNOSTICS given = ROW_COUNT;
    UPDATE mailbox SET uidnext = first_uid + given WHERE id = which;
    RETURN given;
END $$;
CREATE FUNCTION delivery_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM mailbox WHERE id IN (SELECT mailbox FROM removed) ORDER BY id FOR NO KEY UPDATE;
    UPDATE mailbox SET changes = changes + 1 WHERE id IN (SELECT mailbox FROM removed);
    RETURN NULL;
END $$;
CREATE TRIGGER removed AFTER DELETE ON delivery REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION delivery_removed();
"""

MIGRATIONS = (_FIRST, _READING)
VERSION = len(MIGRATIONS)

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('carteiro schema'))"
_VERSIONS = "CREATE TABLE IF NOT EXISTS carteiro_schema (version int PRIMARY KEY, made timestamptz NOT NULL DEFAULT now())"

STANDING = """
SELECT pg_is_in_recovery(),
    CASE WHEN pg_is_in_recovery() THEN '0' ELSE substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) END,
    current_setting('synchronous_standby_names'), current_setting('fsync'), current_setting('server_encoding'),
    set_config('synchronous_commit', 'on', false), set_config('client_min_messages', 'warning', false),
    set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)
"""
"""What a host is asked first, and told: a row for `objection`. Warnings must be heard, and commits wait for a standby's
disk, whatever the settings of database and role say; and no statement is cancelled: the limits of who waits are here.
"""


def timeline_of(row: Sequence[str | None]) -> int:
    """The timeline of a primary that has answered STANDING; 0: it is a standby."""
    return 0 if row[0] == "t" else int(row[1] or "0", 16)


def objection(row: Sequence[str | None], is_single: bool) -> str:
    """Why mail may not be given to a host that has answered STANDING; "" if it may."""
    is_standby, _, names, fsync, encoding = row[:5]
    if is_standby == "t":
        return IS_STANDBY
    if fsync != "on":
        return "fsync is off, so nothing is safe on its disk: set fsync = on"
    if encoding != "UTF8":
        return f"its encoding is {encoding}: make the database with ENCODING 'UTF8'"
    if not (names or "").strip() and not is_single:
        return (
            "it has no synchronous standbys, so a commit would be on one disk only: set synchronous_standby_names, "
            "or give --database-single if that is meant"
        )
    return ""


def version_of(database: Direct) -> int:
    """The version of the schema there; 0: there is none."""
    ((table,),) = database.ask("SELECT to_regclass('carteiro_schema')")
    if table is None:
        return 0
    ((version,),) = database.ask("SELECT coalesce(max(version), 0) FROM carteiro_schema")
    return int(version or 0)


def primary(hosts: Sequence[Host], faults: list[StorageError] | None = None) -> tuple[Direct, Sequence[str | None]] | None:
    """A connection to the primary with the highest timeline, and what it says; None if none answers. Puts into `faults` why
    hosts could not be asked.
    """
    found, others = connected(hosts)
    if faults is not None:
        faults += others
    asked = [(connection, connection.ask(STANDING)[0]) for connection in found]
    best = max(asked, key=lambda pair: timeline_of(pair[1]), default=None)
    if best and not timeline_of(best[1]):
        best = None
    for connection, _row in asked:
        if best is None or connection is not best[0]:
            connection.close()
    return best


def flaw(hosts: Sequence[Host], is_single: bool) -> str | None:
    """Why a server should not start with this cluster; "": it may; None: nobody knows, since no primary answers."""
    found = primary(hosts)
    if found is None:
        return None
    database, row = found
    try:
        where = f"database {database.host.name}: "
        words = objection(row, is_single)
        if words:
            return where + words
        version = version_of(database)
        if version < VERSION:
            return f"{where}its schema has version {version}, and this server needs {VERSION}: run --database-init"
        if version > VERSION:
            return f"{where}its schema has version {version}, and this server knows {VERSION}: run a newer one"
        return ""
    finally:
        database.close()


def mailboxes(hosts: Sequence[Host]) -> list[str]:
    """The names of all mailboxes; none if no primary answers. Raises StorageError."""
    found = primary(hosts)
    if found is None:
        return []
    database, _ = found
    try:
        return [str(name) for (name,) in database.ask("SELECT name FROM mailbox")]
    finally:
        database.close()


def make(hosts: Sequence[Host], now: float | None = None) -> str:
    """Makes the tables, or what is missing of them, and partitions ahead; returns what was done. Raises StorageError."""
    found = primary(hosts)
    if found is None:
        _, faults = connected(hosts)
        raise StorageError("no primary: " + ("; ".join(map(str, faults)) or "all hosts are standbys"))
    database, _ = found
    try:
        with database.transaction():
            database.ask(_LOCK)
            database.ask(_VERSIONS)
            before = version_of(database)
            if before > VERSION:
                raise StorageError(f"database {database.host.name}: its schema has version {before}, newer than {VERSION}")
            for version in range(before + 1, VERSION + 1):
                database.ask(MIGRATIONS[version - 1])
                database.ask("INSERT INTO carteiro_schema (version) VALUES ($1::int)", str(version))
        until = _partitions(database, time.time() if now is None else now)
    finally:
        database.close()
    done = f"made from version {before}" if before < VERSION else "there already"
    return f"database {database.host.name}: schema version {VERSION} {done}; partitions until {until}"


def _partitions(database: Direct, now: float) -> str:
    """Makes those of this week and of weeks to come. One whose messages are in the default partition already is left out."""
    week = int(now // WEEK_SECONDS)
    for number in range(week, week + WEEKS_AHEAD):
        begin, end = number * WEEK_SECONDS, (number + 1) * WEEK_SECONDS
        bounds = f"FROM ('{ids.first(begin)}') TO ('{ids.first(end)}')"
        table = f"CREATE TABLE IF NOT EXISTS message_{_day(begin)} PARTITION OF message FOR VALUES {bounds}"
        database.ask(f"DO $$ BEGIN {table}; EXCEPTION WHEN check_violation THEN NULL; END $$")
    return _day(week * WEEK_SECONDS + WEEKS_AHEAD * WEEK_SECONDS)


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y_%m_%d}"
