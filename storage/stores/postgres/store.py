"""The store in a PostgreSQL cluster: it collects what waits into groups, sends them, and answers what two disks have.

Knows nothing about how a connection works (`link`), nor what may happen to a message (`message_table`).

All that waits goes as one transaction, as soon as a link is free; each link has one group under way at most. So groups grow
by themselves while the database is slow. Nothing else decides when something is sent.
"""

import logging
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from ...contract import Beside, Condition, Figure, Loop, Meter, at_once
from ...errors import StorageError
from ..message import Memory
from . import primary, statements
from .answers import Outcome, Verdict, Work
from .hosts import Host, Hosts
from .large import Room
from .link import Link, Setting
from .lookout import LOOKOUT_SECONDS, Lookout
from .message import Message
from .message_table import Event
from .names import Names
from .withdrawals import Withdrawals

log = logging.getLogger("carteiro.storage")

LINKS = 2
"""Connections of a process for groups. More are no help, as measured. There is one more, for large messages."""

GROUP_OCTETS = 4 << 20
GROUP_MESSAGES = 1000
"""Most of a group; a single message may be larger."""

PATIENCE_SECONDS = 60.0
"""How long a client waits. Then it is told to try later; and so is who comes while nobody is answered for so long."""

MOST_OCTETS = 64 << 20
"""Of all messages that are complete and not answered. From half of it on, new mail is not begun."""

LOOK_SECONDS = 1.0
"""How often the store looks who has waited too long."""

EVENTS = {
    Verdict.CLEAN: Event.CLEAN,
    Verdict.FULL: Event.FULL,
    Verdict.FLAWED: Event.FLAWED,
    Verdict.FAILED: Event.FAILED,
    Verdict.DOUBT: Event.UNSURE,
}


class PostgresStore:
    """The store of one process. It connects when it joins a loop. Without `names`, it makes mailboxes that are missing;
    those in `present` were there at the start.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        is_single: bool = False,
        names: Names | None = None,
        number: int = 1,
        meter: Meter | None = None,
        present: Iterable[str] = (),
        set_up: Callable[[Hosts, Loop, Beside, bool], Setting] = Setting,
    ) -> None:
        self._hosts = Hosts(hosts)
        self._is_single = is_single
        self.names = names
        """Who has a mailbox; None: that is known elsewhere."""
        self._front_end = f"{socket.gethostname()}/{number}"
        self._meter = meter
        self._set_up = set_up
        self._memory = Memory()
        self._room = Room()
        self._large: deque[Message] = deque()
        self._loop: Loop | None = None
        self._links: list[Link] = []
        self._all_links: list[Link] = []
        self._complete: list[Message] = []
        self._waiting: deque[Message] = deque()
        self._suspects: deque[Message] = deque()
        self._pending: set[Message] = set()
        self._weight = 0
        self._answered = 0.0
        self._sent: Counter[str] = Counter()
        self._mailboxes = set(present)
        self._withdrawals = Withdrawals()
        self._standing = primary.Standing()
        self._asked = 0.0
        """When the primary was asked how it stands."""
        self._timeline = 0

    def join(self, loop: Loop, beside: Beside = at_once) -> None:
        """From now on the store works in this loop. Its links connect; names of hosts are looked up `beside` it."""
        self._loop = loop
        self._answered = loop.now
        setting = self._set_up(self._hosts, loop, beside, self._is_single)
        prepared = {**statements.PREPARED, **primary.PREPARED}
        self._links = [Link(setting, self, prepared, first) for first in range(LINKS + 1)]
        self._all_links = [*self._links, *([self.names.join(setting)] if self.names is not None else [])]
        self._lookout = Lookout(setting, self._hosts)
        loop.before_write(self.settle)
        loop.call_later(LOOK_SECONDS, self._look)

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool = False) -> Message:
        """A new message. Its content is kept as it comes, octet for octet; readers are told whether it has to stay so."""
        beside = self, self._memory, self._room
        return Message(time.time(), reverse_path, recipients, *beside, is_verbatim=is_verbatim)

    def present(self) -> frozenset[str]:
        """The mailboxes that are there, as far as this process knows."""
        return frozenset(self._mailboxes)

    def refusal(self) -> StorageError | None:
        """Why a message had better not be begun now; None: it may."""
        if self._is_away:
            return StorageError("the database does not answer")
        if self._weight > MOST_OCTETS // 2:
            return StorageError("too much waits for the database", "no room")
        return None

    @property
    def _is_away(self) -> bool:
        """Whether nobody was answered for so long that nobody is to wait any more."""
        return self._loop is not None and self._loop.now - self._answered > PATIENCE_SECONDS

    @property
    def condition(self) -> Condition:
        """How it stands now."""
        doubted = sum(message.is_in_doubt for message in self._pending)
        return Condition(self._weight / MOST_OCTETS, len(self._pending), 0, doubted + len(self._withdrawals))

    def figures(self) -> Iterator[Figure]:
        """What became of what was sent, what else happened, how the links are, and for how long nobody was answered."""
        for label, value in self._sent.items():
            yield Figure("database_messages", label, value)
        happened = {
            "taken back": self._withdrawals.made,
            "failover": self._hosts.failovers,
            "warning": sum(link.warnings for link in self._all_links),
        }
        for label, value in happened.items():
            yield Figure("database_events", label, value)
        for state, value in Counter(link.state.name for link in self._all_links).items():
            yield Figure("database_links", state, value, is_gauge=True)
        for host, value in Counter(self._hosts[link.host].name for link in self._all_links if link.timeline).items():
            yield Figure("database_hosts", host, value, is_gauge=True)
        yield Figure("database_timeline", "", self._hosts.timeline, is_gauge=True)
        yield Figure("database_waiting_octets", "", self._weight, is_gauge=True)
        if self._loop:
            now = self._loop.now
            yield Figure("database_silence", "", now - self._answered, is_gauge=True)
            oldest = min((message.since for message in self._pending), default=now)
            yield Figure("database_longest_wait", "", now - oldest, is_gauge=True)
            if self._links[LINKS].timeline:
                yield from self._standing.figures()

    # What messages ask of the store

    def complete(self, message: Message) -> None:
        """A message's content has ended. `settle` says what that means."""
        self._complete.append(message)

    def queue(self, message: Message, is_next: bool) -> None:
        """A message is to be sent; alone, if it is a suspect."""
        queue = self._large if message.is_large else self._suspects if message.goes_alone else self._waiting
        if is_next:
            queue.appendleft(message)
        else:
            queue.append(message)

    def take_back(self, message: Message) -> None:
        """A message was refused that may be stored all the same."""
        self._withdrawals.add(message.binary_id)

    def answered(self, message: Message) -> None:
        """The client of a message has its answer."""
        if message in self._pending:
            self._pending.remove(message)
            self._weight -= message.weight

    # What links tell

    def free(self, link: Link) -> None:
        """After an outage, finds out whether the database answers again. Else `settle` uses the link, in this turn."""
        if self._is_away:
            self.beat(link)

    def notified(self, link: Link) -> None:
        """Nothing: this store listens to nobody."""

    def beat(self, link: Link) -> None:
        """Writes something, so that it is known whether the database answers."""
        link.send(Work(statements.beat(self._front_end), self._beaten))

    def _beaten(self, outcome: Outcome) -> None:
        self._heard(outcome.verdict)

    def _heard(self, verdict: Verdict) -> None:
        """Remembers when the database has answered for certain, whatever it said."""
        assert self._loop
        if verdict in (Verdict.CLEAN, Verdict.FULL, Verdict.FLAWED):
            self._answered = self._loop.now

    # Sending

    def settle(self) -> None:
        """Takes the messages that are complete, and sends all that a link is free for."""
        if self._timeline != self._hosts.timeline:
            self._timeline = self._hosts.timeline
            for link in self._all_links:
                link.leave_old()
        complete, self._complete = self._complete, []
        for message in complete:
            self._admit(message)
        if self._waiting or self._suspects or len(self._withdrawals):
            for link in self._links[:LINKS]:
                if link.is_free:
                    self._send(link)
        if self._large and self._links[LINKS].is_free:
            self._send_group(self._links[LINKS], [self._large.popleft()])
        self._ask()

    def _ask(self) -> None:
        """Now and then asks the primary how it stands, over the link that is for large messages."""
        assert self._loop
        if self._loop.now - self._asked >= primary.ASK_SECONDS and self._links[LINKS].is_free:
            self._asked = self._loop.now
            self._links[LINKS].send(Work(primary.question(), self._hear))

    def _hear(self, outcome: Outcome) -> None:
        """Takes the answer. If the quorum was taken away meanwhile, all connections are given up, and checked anew."""
        self._standing.take(outcome)
        if self._standing.is_alone and not self._is_single:
            for link in self._all_links:
                link.leave("it has no synchronous standbys any more")

    def _admit(self, message: Message) -> None:
        assert self._loop
        if message.fault:
            message.happened(Event.CROWDED, message.fault)
        elif self._is_away:
            message.happened(Event.AWAY)
        elif self._weight + message.weight > MOST_OCTETS:
            message.happened(Event.CROWDED)
        else:
            message.since = self._loop.now
            self._pending.add(message)
            self._weight += message.weight
            message.happened(Event.COMPLETE)

    def _send(self, link: Link) -> None:
        """Sends a suspect, or what is to be taken back and what waits, by turns."""
        if self._suspects:
            self._send_group(link, [self._suspects.popleft()])
        elif self._withdrawals.is_due(bool(self._waiting)):
            link.send(self._withdrawals.work())
        elif self._waiting:
            self._send_group(link, self._next_group())

    def _next_group(self) -> list[Message]:
        group: list[Message] = []
        octets = 0
        while self._waiting and len(group) < GROUP_MESSAGES:
            octets += self._waiting[0].octets
            if group and octets > GROUP_OCTETS:
                break
            group.append(self._waiting.popleft())
        return group

    def _send_group(self, link: Link, group: list[Message]) -> None:
        names: set[str] = set().union(*(message.recipients for message in group))
        new = names if len(group) == 1 else names - self._mailboxes  # a suspect may lack a mailbox that was there
        new = set() if self.names is not None else new
        for message in group:
            message.happened(Event.SENT)
        rows = [message.row() for message in group]
        done = partial(self._done, group, names, time.monotonic())
        made = sorted(name.encode() for name in new)
        link.send(Work(statements.storing(rows, made, group[0].pieces()), done))

    def _done(self, group: list[Message], names: Iterable[str], began: float, outcome: Outcome) -> None:
        """Tells each message of a group what became of it; the last first, since what is sent again becomes the next."""
        event = EVENTS[outcome.verdict]
        if event is Event.FLAWED and len(group) > 1:
            event = Event.GROUP_FLAWED
        self._heard(outcome.verdict)
        self._sent[event.name.lower().replace("_", " ")] += len(group)
        if event is Event.CLEAN:
            self._mailboxes.update(names)
            if self._meter:
                self._meter.synced(time.monotonic() - began)
        elif event is not Event.UNSURE:
            log.warning("%d message%s: %s: %s", len(group), "s" * (len(group) > 1), outcome.verdict.value, outcome.words)
        for message in reversed(group) if event is not Event.GROUP_FLAWED else group:
            message.happened(event, outcome.words)

    # Time

    def _look(self) -> None:
        """Looks out for another primary if a link is silent, and ends the wait of those who have waited too long."""
        assert self._loop
        self._loop.call_later(LOOK_SECONDS, self._look)
        self._lookout.look(next((link for link in self._all_links if link.silence >= LOOKOUT_SECONDS), None))
        late = [message for message in self._pending if self._loop.now - message.since >= PATIENCE_SECONDS]
        self._sent["late"] += len(late)
        for message in late:
            message.happened(Event.LATE)
        if late:
            self._waiting = deque(message for message in self._waiting if message.is_to_be_sent)
            self._suspects = deque(message for message in self._suspects if message.is_to_be_sent)
            self._large = deque(message for message in self._large if message.is_to_be_sent)
        self._withdrawals.wake()

    def close(self) -> None:
        """Takes back what it can in a second, and gives up the links."""
        self._lookout.close()
        for link in self._all_links:
            link.close()
        self._withdrawals.finish(self._hosts[self._hosts.order(0)[0]])
