"""Reading mailboxes in the database: which messages are in a mailbox, in the order of their uids, and each by its id.

Fulfils `mailboxes/reading.py` and `mailboxes/removal.py`: a place is the id of a message, which names it for ever, and a
state is the timeline, uidvalidity, the next uid, and the number of changes. Its calls block, so it is for processes beside
the mail path.

Only messages with a uid are seen. Whoever reads gives the uids, in an order that all readers see alike: under a lock on the
mailbox's row, and with a commit that waits for a standby. WAL is a sequence, so a message whose uid is on two disks is
there, too. A message that is being written to, while it is in doubt, has to wait for the next look.
"""

import struct
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

from ...mailboxes.reader import FEW
from ...mailboxes.reading import Entry, News
from .desk import Away, Desk
from .direct import Direct
from .letters import Letters, written

AT_ONCE = 10_000
"""Messages that get their uids in one transaction."""

LISTED = 1_000
"""Messages of a mailbox that are asked for at once, and that are removed at once."""

_NUMBER = "SELECT number_deliveries(id, $2::int, true) FROM mailbox WHERE name = $1"
_NUMBER_NEW = f"""SELECT sum(number_deliveries(due.mailbox, {AT_ONCE}, false))
    FROM (SELECT DISTINCT mailbox FROM (SELECT mailbox FROM delivery WHERE uid IS NULL LIMIT {AT_ONCE}) AS found) AS due"""
_STATES = "SELECT name, uidvalidity, uidnext, changes FROM mailbox"
_IDS = """SELECT uid, message FROM delivery WHERE mailbox = (SELECT id FROM mailbox WHERE name = $1)
    AND uid BETWEEN $2::int AND $3::int ORDER BY uid {} LIMIT $4::int"""
_HOLD = "SELECT pg_try_advisory_lock(hashtext('carteiro mailbox'), id) FROM mailbox WHERE name = $1"
_LET_GO = "SELECT pg_advisory_unlock(hashtext('carteiro mailbox'), id) FROM mailbox WHERE name = $1"

_CERTAIN = """INSERT INTO heartbeat (front_end) VALUES ('a reader') ON CONFLICT (front_end) DO UPDATE SET beaten = now()"""

_OPEN_MESSAGES = "SELECT count(*) FROM (SELECT FROM message WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE) AS locked"
_CHANGE = "UPDATE mailbox SET changes = changes + 1 WHERE name = $1"
_REMOVE = """WITH gone AS (
        DELETE FROM delivery
        WHERE message = ANY ($1::uuid[]) AND mailbox = (SELECT id FROM mailbox WHERE name = $2) RETURNING 1
    ) SELECT count(*) FROM gone"""
_SWEEP = (
    """DELETE FROM {0} WHERE {1} = ANY ($1::uuid[]) AND NOT EXISTS (SELECT FROM delivery WHERE delivery.message = {0}.{1})"""
)

_LAST = (1 << 31) - 1
_UID = struct.Struct(">i")


class State:
    """A state in its parts."""

    def __init__(self, text: str) -> None:
        self.timeline, self.validity, self.next, self.changes = map(int, text.split("."))


class PostgresReader:
    """The mailboxes in a database. Every method raises Away, an OSError, but `close` and `extent`."""

    has_names = True

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._held = ""
        self._held_over = 0
        self._letters = Letters(self._turn)

    @contextmanager
    def _turn(self) -> Iterator[Direct]:
        """The desk's connection. If a mailbox is held and the connection is another one by now, holds it again before."""
        with self._desk.turn() as database:
            is_free = not self._held or self._held_over == self._desk.number or self._hold(database, self._held)
            if is_free:
                yield database
        if not is_free:
            raise Away("the connection to the database was lost, and somebody else has the mailbox by now")

    def mailboxes(self) -> list[str]:
        """The names of the mailboxes that are there, sorted."""
        return sorted(self.states())

    def states(self) -> dict[str, str]:
        """The states of all mailboxes. What is new gets its uid before."""
        with self._turn() as database:
            database.ask(_NUMBER_NEW)
            return self._asked(database, _STATES)

    def state(self, mailbox: str) -> str | None:
        """A mailbox's state; None if it is missing."""
        with self._turn() as database:
            return self._asked(database, f"{_STATES} WHERE name = $1", mailbox).get(mailbox)

    def _asked(self, database: Direct, statement: str, *values: str) -> dict[str, str]:
        rows = database.ask(statement, *values)
        return {str(name): ".".join(map(str, (self._desk.timeline, *state))) for name, *state in rows}

    def complete(self, mailbox: str) -> str | None:
        """A mailbox's state, once all of its messages have a uid; None if it is missing."""
        with self._turn() as database:
            while (rows := database.ask(_NUMBER, mailbox, str(AT_ONCE))) and int(rows[0][0] or 0) == AT_ONCE:
                pass
        return self.state(mailbox)

    def number_all(self) -> None:
        """Gives all messages their uids, but for those in mailboxes that somebody else is giving uids in."""
        with self._turn() as database:
            while int(database.ask(_NUMBER_NEW)[0][0] or 0):
                pass

    def make_certain(self) -> None:
        """Returns when two disks have all that was seen so far: it writes something."""
        with self._turn() as database:
            database.ask(_CERTAIN)

    def extent(self, state: str) -> int | None:
        """None: a mailbox is no file."""
        return None

    def is_still(self, mailbox: str) -> bool:
        """True: a message comes whole into the database."""
        return True

    def news(self, mailbox: str, since: str, size: int | None = None) -> News | None:
        """The messages that have got a uid since. Others may be gone meanwhile, or all of it after a failover."""
        state = self.state(mailbox)
        if state is None:
            return None
        now, then = State(state), State(since) if since else None
        if then and (now.validity != then.validity or now.next < then.next):
            return None
        if then is None and now.next > FEW:
            return None
        first = then.next if then else 1
        found = [Entry(id, 0) for _, id in self.ids(mailbox, first, now.next - 1)]
        return News(found, state, then is None or (now.changes, now.timeline) == (then.changes, then.timeline))

    def entries(self, mailbox: str, newest_first: bool = False, size: int | None = None) -> Iterator[Entry]:
        """A mailbox's messages in the order of their uids."""
        return (Entry(id, 0) for _, id in self.ids(mailbox, 1, _LAST, newest_first))

    def ids(self, mailbox: str, first: int, last: int, newest_first: bool = False) -> Iterator[tuple[int, str]]:
        """The uids and ids of messages, from the first to the last uid."""
        statement = _IDS.format("DESC" if newest_first else "")
        while first <= last:
            with self._turn() as database:
                rows = database.ask(statement, mailbox, str(first), str(last), str(LISTED))
            found = [(int(uid or 0), str(id)) for uid, id in rows]
            yield from found
            if len(found) < LISTED:
                return
            if newest_first:
                last = found[-1][0] - 1
            else:
                first = found[-1][0] + 1

    def read(self, mailbox: str, place: str) -> bytes | None:
        """The octets of a message, as a Maildir would have them; None if it is not there."""
        return b"".join(self.pieces(mailbox, place)) or None

    def pieces(self, mailbox: str, place: str) -> Iterator[bytes]:
        """The same, in pieces."""
        letter = self.letters.find(mailbox, place)
        if letter:
            yield from written(letter)

    @property
    def letters(self) -> Letters:
        """The messages as they go to mailboxes of other kinds."""
        return self._letters

    def hold(self, mailbox: str) -> bool:
        """Keeps sessions elsewhere away from a mailbox until `close`, on all front ends; False: one of them has it."""
        with self._desk.turn() as database:
            return self._hold(database, mailbox)

    def _hold(self, database: Direct, mailbox: str) -> bool:
        is_free = database.ask(_HOLD, mailbox) != [("f",)]
        if is_free:
            self._held, self._held_over = mailbox, self._desk.number
        return is_free

    def close(self) -> None:
        """Lets others have the mailbox that is held."""
        held, self._held = self._held, ""
        if held and self._held_over == self._desk.number:
            with suppress(Away), self._desk.turn() as database:
                if self._held_over == self._desk.number:
                    database.ask(_LET_GO, held)


class PostgresRemover:
    """Removes messages from mailboxes, and those that are in none any more."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._reader = PostgresReader(desk)

    def remove(self, mailbox: str, places: Collection[str], is_meant: Callable[[bytes], bool]) -> int:
        """Removes what is meant; returns how many. Returns when two disks know it. Raises Away."""
        meant = []
        for place in places:
            octets = self._reader.read(mailbox, place)
            if octets is not None and is_meant(octets):
                meant.append(place)
        return sum(self._remove(mailbox, meant[at : at + LISTED]) for at in range(0, len(meant), LISTED))

    def _remove(self, mailbox: str, ids: Sequence[str]) -> int:
        """One transaction. It writes in any case: what was removed before, perhaps by an attempt that is in doubt, has to be
        on two disks, too. The messages are locked first, so that of two who take away the last deliveries one sees it.
        """
        array = "{" + ",".join(ids) + "}"
        with self._desk.turn() as database, database.transaction():
            database.ask(_OPEN_MESSAGES, array)
            database.ask(_CHANGE, mailbox)
            ((count,),) = database.ask(_REMOVE, array, mailbox)
            for table, column in (("message", "id"), ("piece", "message")):
                database.ask(_SWEEP.format(table, column), array)
        return int(count or 0)

    def complete(self, mailbox: str) -> str | None:
        """A mailbox's state, once all of its messages have a uid."""
        return self._reader.complete(mailbox)

    def close(self) -> None:
        """Has nothing to give back: the connection stays for others."""
