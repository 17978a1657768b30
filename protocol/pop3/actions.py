"""The actions of POP3: what its commands do.

Knows nothing about when a command is allowed.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

from ..engine.actions import Outcome, Speech
from ..engine.buffer import Buffer
from ..engine.environment import Report
from ..engine.events import Event
from ..engine.replies import Reply
from ..engine.table import Row
from ..mail.credentials import MECHANISMS as SASL
from ..mail.credentials import Auth, Proof
from . import replies
from .grammar import MAX_LINE, MECHANISMS, WORDING
from .outside import Maildrop, Message, PopSite, Unopened
from .sending import Listing, Sending

Answer = Callable[[Outcome], None]


class PopActions:
    """One mailbox for one client, who has authenticated; what is deleted is removed at the end."""

    __slots__ = ("_buffer", "_cancel", "_deleted", "_maildrop", "_name", "_proof", "_report", "_site", "home")

    home: Row

    def __init__(self, site: PopSite, address: str, report: Report, buffer: Buffer) -> None:
        buffer.limit(MAX_LINE)
        self._buffer = buffer
        self._site = site
        self._report = report
        self._maildrop: Maildrop | None = None
        self._deleted: set[int] = set()
        self._cancel: Callable[[], None] | None = None
        self._start_anew()

    def _start_anew(self) -> None:
        self._name = b""
        self._proof = Proof(self._report, WORDING._replace(right=self._open))

    @property
    def is_coded(self) -> bool:
        """False: replies have no enhanced status codes."""
        return False

    @property
    def greeting(self) -> Reply:
        """The first reply on the connection."""
        return replies.GREETING.about(self._site.hostname)

    # The client: TLS, authentication

    @property
    def _takes_passwords(self) -> bool:
        return self.home.is_encrypted or self._site.authenticates_in_clear

    def _capa(self, argument: bytes) -> Reply:
        mechanisms = SASL if self._takes_passwords else ()
        if argument == MECHANISMS:
            return replies.CAPABILITIES.about(b"\n".join(mechanisms)) if mechanisms else replies.TLS_FIRST
        lines = [b"TOP", b"UIDL", b"RESP-CODES", b"AUTH-RESP-CODE", b"PIPELINING", b"EXPIRE NEVER"]
        if mechanisms:
            lines += [b"USER", b"SASL " + b" ".join(mechanisms)]
        if self._site.has_tls and not self.home.is_encrypted:
            lines.append(b"STLS")
        return replies.CAPABILITIES.about(b"\n".join([*lines, b"IMPLEMENTATION carteiro"]))

    def _stls(self, _: bytes) -> Reply:
        return replies.BEGIN_TLS if self._site.has_tls else replies.NOT_OFFERED

    def secured(self) -> None:
        """The connection is now encrypted. Forgets everything that the client has said so far (RFC 2595 section 4)."""
        self._start_anew()
        self._buffer.clear()  # plain text after STLS may come from an attacker

    def _user(self, name: bytes) -> Reply:
        if not self._takes_passwords:
            return replies.TLS_FIRST
        self._name = name
        return replies.SAY_PASS

    def _pass(self, secret: bytes) -> Outcome:
        return self._proof.prove(self._name, secret, self._site.authenticate)

    def _auth(self, auth: Auth) -> Outcome:
        if not self._takes_passwords:
            return replies.TLS_FIRST
        return self._proof.begin(auth, self._site.authenticate, self._site.accepts_any)

    def take_response(self, line: bytes) -> tuple[Event, Outcome]:
        """Takes the response to a challenge."""
        return self._proof.take_response(line)

    # The mailbox

    def _open(self, answer: Answer) -> None:
        """Locks the mailbox of the client, who has authenticated."""

        def opened(result: Maildrop | Unopened) -> None:
            self._cancel = None
            if isinstance(result, Unopened):
                self._report("mailbox of %s not opened: %s", self._proof.shown_name, result.value)
                answer(_REFUSALS[result])
            else:
                self._maildrop = result
                answer(replies.OPENED.about(*self._status()))

        self._cancel = self._site.open_maildrop(self._proof.name, opened)
        if self._maildrop:
            self._cancel = None

    @property
    def _mailbox(self) -> Maildrop:
        assert self._maildrop, "the table lets nobody ask before it is open"
        return self._maildrop

    def _there(self) -> Iterator[int]:
        return (index for index in range(len(self._mailbox.entries)) if index not in self._deleted)

    def _status(self) -> tuple[int, int]:
        sizes = [self._mailbox.entries[index].size for index in self._there()]
        return len(sizes), sum(sizes)

    def _flaw(self, number: int) -> Reply | None:
        if not 0 < number <= len(self._mailbox.entries):
            return replies.NO_SUCH_MESSAGE
        return replies.DELETED_ALREADY if number - 1 in self._deleted else None

    def _stat(self, _: bytes) -> Reply:
        return replies.STATUS.about(*self._status())

    def _list(self, _: bytes) -> Speech:
        entries = self._mailbox.entries
        lines = (b"%d %d" % (index + 1, entries[index].size) for index in self._there())
        return Speech(replies.LISTING.about(*self._status()), Listing(lines).piece)

    def _scan(self, number: int) -> Reply:
        return self._flaw(number) or replies.SCANNED.about(number, self._mailbox.entries[number - 1].size)

    def _uidl(self, _: bytes) -> Speech:
        entries = self._mailbox.entries
        lines = (b"%d %b" % (index + 1, entries[index].id.encode()) for index in self._there())
        return Speech(replies.UNIQUE_IDS, Listing(lines).piece)

    def _unique(self, number: int) -> Reply:
        return self._flaw(number) or replies.UNIQUE_ID.about(number, self._mailbox.entries[number - 1].id.encode())

    # Messages

    def _retr(self, number: int) -> Outcome:
        if flaw := self._flaw(number):
            return flaw
        return partial(self._fetch, number, None, replies.OCTETS_FOLLOW.about(self._mailbox.entries[number - 1].size))

    def _top(self, argument: tuple[int, int]) -> Outcome:
        number, lines = argument
        return self._flaw(number) or partial(self._fetch, number, lines, replies.TOP_FOLLOWS)

    def _fetch(self, number: int, lines: int | None, reply: Reply, answer: Answer) -> None:
        def fetched(message: Message | None) -> None:
            answer(Speech(reply, Sending(message, lines).piece) if message else replies.GONE)

        self._mailbox.fetch(number - 1, fetched)

    def _dele(self, number: int) -> Reply:
        if flaw := self._flaw(number):
            return flaw
        self._deleted.add(number - 1)
        return replies.MARKED.about(number)

    # At the end, and in between

    def _rset(self, _: bytes) -> Reply:
        self._deleted.clear()
        return replies.UNMARKED.about(*self._status())

    def _noop(self, _: bytes) -> Reply:
        return replies.NOTHING_DONE

    def _quit(self, _: bytes) -> Outcome:
        return self._update if self._maildrop else replies.CLOSING.about(self._site.hostname)

    def _update(self, answer: Answer) -> None:
        """Removes what was deleted (RFC 1939 section 6)."""

        def removed(is_all: bool) -> None:
            if self._deleted:
                self._report("removed %d of its messages%s", len(self._deleted), "" if is_all else ", not all of them")
            answer(replies.CLOSING.about(self._site.hostname) if is_all else replies.NOT_REMOVED)

        self._mailbox.remove(frozenset(self._deleted), removed)

    def abandon(self) -> None:
        """The session is over: cancels what is pending, and unlocks the mailbox."""
        self._proof.take_back()
        if self._cancel:
            self._cancel()
            self._cancel = None
        if self._maildrop:
            self._maildrop.close()
            self._maildrop = None

    by_event: ClassVar[Mapping[Event, Callable[[Any, Any], Outcome]]] = {
        Event.CAPA: _capa,
        Event.STLS: _stls,
        Event.USER: _user,
        Event.PASS: _pass,
        Event.AUTH: _auth,
        Event.PROOF: _auth,
        Event.STAT: _stat,
        Event.LIST: _list,
        Event.SCAN: _scan,
        Event.UIDL: _uidl,
        Event.UNIQUE: _unique,
        Event.RETR: _retr,
        Event.TOP: _top,
        Event.DELE: _dele,
        Event.RSET: _rset,
        Event.NOOP: _noop,
        Event.QUIT: _quit,
    }


_REFUSALS = {
    Unopened.IN_USE: replies.IN_USE,
    Unopened.FAILED: replies.NOT_READ,
    Unopened.BUSY: replies.TOO_BUSY,
}
