"""A connection to the primary of a cluster, driven from the loop: it connects, checks the host, sends, and says what became
of what was sent.

Knows nothing about messages. The order of things is in `link_table`, and what an answer means in `answers`.
"""

import logging
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, Protocol

from psycopg import Error
from psycopg.pq import ConnStatus, ExecStatus, PGconn, PollingStatus
from psycopg.pq.abc import PGconn as Connection
from psycopg.pq.abc import PGresult as Result

from ...contract import Beside, Loop
from . import schema
from .answers import Answers, Outcome, Verdict, Work
from .direct import CONNECTING_SECONDS, one_line
from .hosts import NO_FAULTS, NOT_ALL_ASKED, ONLY_ASKED, Hosts
from .link_table import BUSY, CHECKING, CONNECTING, DOWN, READY, TABLE, Act, Event, State
from .statements import ENDING

log = logging.getLogger("carteiro.storage")

CHECKING_SECONDS = 5.0
SILENCE_SECONDS = 10.0
"""Without any answer to what was sent. It is in doubt then."""

BEAT_SECONDS = 10.0
"""Without anything to send. Then the store makes sure that the database is still there."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0
"""Between two rounds of attempts to connect to all hosts. It doubles, and is half to one and a half of that."""

LIMITS = {CONNECTING: CONNECTING_SECONDS, CHECKING: CHECKING_SECONDS, READY: BEAT_SECONDS, BUSY: SILENCE_SECONDS}

_TOO_LATE = Outcome(Verdict.DOUBT, "it did not answer in time")
_READ, _WRITE = 1, 2
_LARGE = 64 * 1024
"""Octets of a statement's values that are sent before the next statement is made."""


class Owner(Protocol):
    """Whoever sends things over a link."""

    def free(self, link: "Link") -> None:
        """The link is ready for something to send."""

    def beat(self, link: "Link") -> None:
        """Nothing was sent over the link for BEAT_SECONDS."""

    def notified(self, link: "Link") -> None:
        """The database has notified the link."""


class Setting(NamedTuple):
    """What links of a process have in common."""

    hosts: Hosts
    loop: Loop
    beside: Beside
    is_single: bool = False
    connect: Callable[[bytes], Connection] = PGconn.connect_start
    table: Mapping[State, Mapping[Event, object]] = TABLE
    asked: int | None = None
    """The number of the one host that a link is to ask who it is, again and again, without using it."""


class Link:
    """A link. It begins DOWN, and connects in the next turn; with host number `first` of those that it may try."""

    def __init__(self, setting: Setting, owner: Owner, prepared: Mapping[bytes, bytes], first: int = 0) -> None:
        self._hosts, self._loop, self._beside, self._is_single, self._connect, self._table, self._asked = setting
        self._owner = owner
        self._prepared = prepared
        self._first = first
        self._round: list[int] = []
        self._left: dict[int, int] = {}
        self.host = first
        """The number of the host that it is connected to, or tries."""
        self._failures = 0
        self._conn: Connection | None = None
        self._watched, self._events = -1, 0
        self.connection = 0
        """The number of the connection, or of the attempt to make one."""
        self._since = 0.0
        self._work: Work | None = None
        self._is_sent = True
        self._said: dict[int, str] = {}
        self._answers = Answers()
        self._acts: dict[Act, Callable[[Outcome], None]] = {
            Act.DIAL: self._dial,
            Act.ASK: self._ask,
            Act.OFFER: self._offer,
            Act.BEAT: lambda _: owner.beat(self),
            Act.SEND: lambda _: self._pump(),
            Act.TELL: self._tell,
            Act.DROP: self._drop,
            Act.DOUBT: self._spoil,
            Act.SPOIL: self._spoil,
            Act.END: lambda _: self._hang_up(),
        }
        self.state = DOWN
        self.timeline = 0
        self.warnings = 0
        self._timer = self._loop.call_later(0, partial(self._happened, Event.DUE))

    @property
    def is_free(self) -> bool:
        """Whether something can be sent now."""
        self.leave_old()
        return self.state is READY

    def leave_old(self) -> None:
        """Gives the connection up if it turns out to be to an old primary."""
        if self.timeline < self._hosts.timeline:
            self.leave(self._hosts.objection(self.timeline))

    def leave(self, words: str) -> None:
        """Gives the connection up, if it is in use, for this reason. What was sent is in doubt."""
        if self.state in (READY, BUSY):
            self._happened(Event.LOST, Outcome(Verdict.DOUBT, words))

    @property
    def silence(self) -> float:
        """For how many seconds what was sent has not been answered."""
        return self._loop.now - self._since if self.state is BUSY else 0.0

    def send(self, work: Work) -> None:
        """Sends this. The link must be free."""
        self._work = work
        self._is_sent = False
        self._answers = Answers()
        self._happened(Event.SENT)

    def close(self) -> None:
        """Closes the connection for good. What was sent and is not answered is in doubt."""
        self._happened(Event.CLOSE, Outcome(Verdict.DOUBT, "the store was closed"))

    def _happened(self, event: Event, outcome: Outcome | None = None) -> None:
        """The one place where the state changes."""
        cell = self._table[self.state][event]
        assert isinstance(cell, tuple), f"{event} in {self.state}"
        stood = self.state in (READY, BUSY)
        self.state, act = cell
        self._timer.cancel()
        stands = self.state in (READY, BUSY)
        if stands and not stood:
            self._hosts.stand()
        elif stood and not stands:
            self._hosts.fall()
        if self.state in LIMITS:
            self._start_clock()
        self._acts[act](outcome or Outcome(Verdict.DOUBT, event.value))

    def _start_clock(self) -> None:
        self._timer.cancel()
        self._since = self._loop.now
        self._timer = self._loop.call_later(LIMITS[self.state], partial(self._happened, Event.DUE, _TOO_LATE))

    # Connecting

    def _dial(self, _: Outcome) -> None:
        if not self._round:
            self._round = self._hosts.order(self._first) if self._asked is None else [self._asked]
        self.host = self._round.pop(0)
        self.connection += 1
        host = self._hosts[self.host]
        if host.needs_look_up:
            self._beside(host.look_up, partial(self._begin, self.connection))
        else:
            self._begin(self.connection, [])

    def _begin(self, dial: int, addresses: list[bytes] | None) -> None:
        """Connects, when the addresses are known; unless that attempt is over."""
        if dial != self.connection or self.state is not CONNECTING:
            return
        host = self._hosts[self.host]
        if not addresses and host.needs_look_up:
            self._lost("its name has no address")
            return
        self._answers = Answers()
        try:
            self._conn = self._connect(host.conninfo(addresses or []))
            self._conn.notice_handler = self._noticed
        except Error as error:
            self._lost(str(error))
            return
        self._poll(self._conn)

    def _poll(self, conn: Connection) -> None:
        """Goes on connecting. libpq may take another socket each time."""
        self._watch(0)
        try:
            progress = conn.connect_poll()
        except Error as error:
            self._lost(str(error))
            return
        if progress == PollingStatus.OK:
            self._happened(Event.CONNECTED)
        elif progress == PollingStatus.FAILED:
            self._lost(one_line(conn.error_message))
        else:
            self._watch(_WRITE if progress == PollingStatus.WRITING else _READ)

    def _ask(self, _: Outcome) -> None:
        conn = self._conn
        assert conn
        try:
            conn.nonblocking = 1
            conn.enter_pipeline_mode()
            if self.host in self._left:
                conn.send_query_params(ENDING, [b"%d" % self._left[self.host]])
            conn.send_query_params(schema.STANDING.encode(), None)
            for name, statement in self._prepared.items():
                conn.send_prepare(name, statement)
            conn.pipeline_sync()
            self._flush(conn)
        except Error as error:
            self._lost(str(error))

    def _checked(self) -> None:
        """All answers are there."""
        if self._answers.flaw:
            self._happened(Event.UNFIT, Outcome(Verdict.FAILED, self._answers.flaw))
            return
        (row,) = self._answers.rows
        texts = [None if value is None else value.decode(errors="replace") for value in row]
        self.timeline = schema.timeline_of(texts)
        self._hosts.hear(self.host, self.timeline)
        words = schema.objection(texts, self._is_single) or self._hosts.objection(self.timeline)
        if self._asked is not None:
            words = words or ONLY_ASKED
        elif words == NOT_ALL_ASKED:
            self._round.append(self.host)
        if words:
            self._happened(Event.UNFIT, Outcome(Verdict.FAILED, words))
        else:
            self._happened(Event.CHECKED)

    def _offer(self, _: Outcome) -> None:
        self._round.clear()
        self._left.pop(self.host, None)
        self._say(logging.INFO, f"is used, timeline {self.timeline}")
        self._owner.free(self)

    # Sending, and what comes back

    def _pump(self) -> None:
        """Makes and sends statements until libpq has enough of them, or all are sent; no more of them after an error."""
        conn, work = self._conn, self._work
        assert conn and work
        try:
            while not self._is_sent:
                name, values = (b"", ()) if self._answers.flaw else next(work.statements, (b"", ()))
                if name:
                    conn.send_query_prepared(name, values, [1] * len(values), 1)
                    if sum(len(value or b"") for value in values) > _LARGE and conn.flush():
                        break
                else:
                    conn.pipeline_sync()
                    self._is_sent = True
            self._flush(conn)
        except (Error, OSError) as error:
            self._lost(str(error))

    def _flush(self, conn: Connection) -> None:
        self._watch(_READ | _WRITE if conn.flush() or not self._is_sent else _READ)

    def _ready(self, events: int) -> None:
        conn = self._conn
        if conn is None:  # something else of this turn has closed it
            return
        if self.state is CONNECTING:
            self._poll(conn)
            return
        try:
            if events & _WRITE:
                if conn.flush() == 0 and not self._is_sent:
                    self._start_clock()
                    self._pump()
                elif self._is_sent:
                    self._flush(conn)
            if events & _READ and self._conn is conn:
                conn.consume_input()
                self._read(conn)
        except Error as error:
            self._lost(str(error))

    def _read(self, conn: Connection) -> None:
        """Takes what has come: results up to the one of the sync; or notifications, when nothing is awaited."""
        nothing = 0
        while self.state in (CHECKING, BUSY) and not conn.is_busy():
            result = conn.get_result()
            if result is None:  # after the results of each statement
                nothing += 1
                if nothing > 1 and not self._is_sent and self._answers.flaw:
                    return  # an error is answered before all is sent, and the sync comes next
                if nothing > 1 or conn.status == ConnStatus.BAD:
                    self._lost(one_line(conn.error_message) or "the connection is lost")
                    return
                continue
            nothing = 0
            self._take(result)
        if self._conn is conn and self.state is READY:
            conn.is_busy()
            is_notified = False
            while conn.notifies():
                is_notified = True
            if is_notified:
                self._owner.notified(self)

    def _take(self, result: Result) -> None:
        if result.status != ExecStatus.PIPELINE_SYNC:
            self._answers.take(result)
        elif self.state is CHECKING:
            self._checked()
        else:
            outcome = self._answers.meaning(self._hosts.objection(self.timeline))
            is_spoiled = outcome.verdict in (Verdict.DOUBT, Verdict.FAILED)
            self._happened(Event.SPOILED if is_spoiled else Event.ANSWERED, outcome)

    def _noticed(self, notice: Result) -> None:
        words = self._answers.notice(notice)
        if words:
            self.warnings += 1
            self._say(logging.WARNING, f"warns: {words}")

    # Ends

    def _lost(self, words: str) -> None:
        self._happened(Event.LOST, Outcome(Verdict.DOUBT, one_line(words)))

    def _tell(self, outcome: Outcome) -> None:
        work, self._work = self._work, None
        assert work
        if outcome.verdict is Verdict.CLEAN:
            self._failures = 0
        work.done(outcome)
        if self.state is READY:
            self._owner.free(self)

    def _spoil(self, outcome: Outcome) -> None:
        work, self._work = self._work, None
        assert work and self._conn
        if outcome.verdict is Verdict.DOUBT:
            self._left[self.host] = self._conn.backend_pid
        self._hang_up()
        if self.state is DOWN:
            self._say(logging.WARNING, f"is given up: {outcome.words}")
            self._pause()
        work.done(outcome)

    def _drop(self, outcome: Outcome) -> None:
        if not self.timeline:
            self._hosts.hear(self.host)
        self._hang_up()
        is_fault = self._asked is None and outcome.words not in NO_FAULTS
        self._say(logging.WARNING if is_fault else logging.DEBUG, f"is not used: {outcome.words}")
        self._pause()

    def _hang_up(self) -> None:
        self._watch(0)
        self._is_sent = True
        self.timeline = 0
        if self._conn:
            self._conn.notice_handler = None
            self._conn.finish()
            self._conn = None

    def _pause(self) -> None:
        """Waits before the next attempt: not at all between the hosts of a round."""
        seconds = 0.0
        if not self._round:
            seconds = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._failures) * random.uniform(0.5, 1.5)
            self._failures = min(self._failures + 1, 10)
        self._timer = self._loop.call_later(seconds, partial(self._happened, Event.DUE))

    def _watch(self, events: int) -> None:
        """Watches the connection's socket for these events; 0: not any more."""
        if self._watched >= 0 and events and events != self._events:
            self._loop.rewatch(self._watched, events, self._ready)
        elif self._watched >= 0 and not events:
            self._loop.unwatch(self._watched)
            self._watched = -1
        elif self._watched < 0 and events and self._conn:
            self._watched = self._conn.socket
            self._loop.watch(self._watched, events, self._ready)
        self._events = events

    def _say(self, level: int, words: str) -> None:
        """Logs a line about the host, unless it is what was said last of it."""
        if words != self._said.get(self.host):
            self._said[self.host] = words
            log.log(level, "database %s %s", self._hosts[self.host].name, words)
