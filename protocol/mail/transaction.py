"""A mail transaction: its sender, its recipients, and the message on its way into storage (RFC 5321 section 3.3).

Knows nothing about commands or their order.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ..engine import replies
from ..engine.environment import Fault, Message, Report, Site, nobody_is_told
from ..engine.replies import Reply
from ..engine.shown import bracketed, quoted
from .answers import folded
from .content import MessageId
from .trace import origin, received

_NOBODY: list[tuple[str, bytes]] = []
"""The recipients before the first transaction: silent clients share this one list, to save memory."""


class Client(NamedTuple):
    """The sender of messages: the name that it gave, its IP address, and whether its connection is encrypted."""

    name: bytes
    address: str
    is_secure: bool = False


class Transaction:
    """The current transaction. `octets` is the size of the mail data as sent, without dot-stuffing."""

    __slots__ = ("_client", "_message", "_message_id", "_report", "_site", "_user", "octets", "recipients", "reverse_path")

    def __init__(self, site: Site, report: Report) -> None:
        self._site = site
        self._report = report
        self._message: Message | None = None
        self._message_id: MessageId | None = None
        self._client: Client | None = None
        self._user: str | None = None
        self.octets = 0
        self.reverse_path = b""
        self.recipients = _NOBODY

    def begin(self, reverse_path: bytes) -> None:
        """Starts a transaction without recipients."""
        self.reverse_path = reverse_path
        self.recipients = []

    def open(self, client: Client, protocol: bytes, user: str | None = None, is_verbatim: bool = False) -> None:
        """Starts the message. `protocol` is the "with" word (RFC 5321 section 4.4), `user` the client's name for the log."""
        site = self._site
        self.octets = 0
        self._message = message = site.store.begin(self.reverse_path, self.recipients, is_verbatim)
        path = self.recipients[0][1] if len(self.recipients) == 1 else None
        from_whom = origin(client.name, client.address, site.hostname, protocol)
        message.trace(received(from_whom, message.id, path, site.clock()))
        if self._report is not nobody_is_told:
            self._client, self._user, self._message_id = client, user, MessageId()

    @property
    def is_open(self) -> bool:
        """Whether there is a message. False again once it is too large."""
        return self._message is not None

    def write(self, piece: bytes, octets: int) -> None:
        """Takes a piece of content; `octets` is its size as sent. Drops the message when it becomes too large."""
        self.octets += octets
        if self._message:
            if self.octets > self._site.max_message_size:
                self.abandon()
            elif piece:
                self._message.write(piece)
                if self._message_id:
                    self._message_id.look(piece)

    def commit(self, answer: Callable[[Reply], None]) -> None:
        """Completes the message. Calls `answer` later: when the message is safely stored, or when storing it has failed."""
        message, self._message = self._message, None
        assert message
        told = partial(self._answered, answer, message.id, self._site.clock())
        recipients = len(self.recipients)
        message.commit(told if recipients == 1 else folded(told, recipients))

    def _answered(
        self, answer: Callable[[Reply], None], message_id: str, since: float, _recipient: int, fault: Fault | None
    ) -> None:
        try:
            if fault is None and self._site.stored:
                self._site.stored(self.octets)
            if self._client and self._message_id:
                self._log(self._client, self._message_id.value, message_id, since, fault)
        finally:  # an error in the log must not cost the client its reply
            answer(replies.MESSAGE_ACCEPTED if fault is None else FAULTS[fault.kind])

    def _log(self, client: Client, name: bytes, message_id: str, since: float, fault: Fault | None) -> None:
        outcome = "stored" if fault is None else f"not stored ({fault})"
        waited = 1000 * (self._site.clock() - since)
        mailboxes = ", ".join(dict.fromkeys([mailbox for mailbox, _ in self.recipients]))
        paths = ", ".join([bracketed(path) for _, path in self.recipients])
        told = self._told_of(client, name)
        values = message_id, outcome, mailboxes, self.octets, waited, told, bracketed(self.reverse_path), paths
        self._report("message %s %s: mailbox %s, %d octets, %.1f ms; %s; from %s to %s", *values)

    def _told_of(self, client: Client, message_id: bytes) -> str:
        encrypted = "TLS, " if client.is_secure else ""
        user = "" if self._user is None else f"authenticated as {self._user}, "
        name = f"Message-ID {quoted(message_id)}" if message_id else "no Message-ID"
        return f"{encrypted}{user}client {quoted(client.name)}, {name}"

    def abandon(self) -> None:
        """Drops the message, if there is one."""
        if self._message:
            self._message.abandon()
            self._message = None


FAULTS = {"no room": replies.NO_ROOM, "for now": replies.NOT_STORED, "for good": replies.NEVER_STORED}
"""The replies to the faults of storage, by their kind."""
