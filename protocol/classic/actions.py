"""The actions of the classic dialect: what its commands do.

Knows nothing about when a command is allowed.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ..engine import replies
from ..engine.actions import Outcome
from ..engine.buffer import Buffer
from ..engine.environment import Report, Site
from ..engine.events import Event
from ..engine.replies import Reply
from ..engine.table import Row
from ..mail.transaction import Client, Transaction


class ClassicActions:
    """One message at a time, with one recipient. Replies repeat names and addresses, as the prototype's did."""

    __slots__ = ("_address", "_buffer", "_client", "_site", "_transaction", "home")

    home: Row
    is_coded = False

    def __init__(self, site: Site, address: str, report: Report, buffer: Buffer) -> None:
        self._site = site
        self._address = address
        self._buffer = buffer
        self._client = Client(b"", address)
        self._transaction = Transaction(site, report)

    @property
    def greeting(self) -> Reply:
        """The first reply on the connection."""
        return replies.GREETING.about(self._site.hostname)

    def _helo(self, client: bytes) -> Reply:
        self._client = Client(client, self._address)
        return replies.HELLO.about(client)

    def _mail(self, reverse_path: bytes) -> Reply:
        self._transaction.begin(reverse_path)
        return replies.SENDER_OK.about(reverse_path or b"<>")

    def _rcpt(self, forward_path: bytes) -> Reply:
        local_part, at, domain = forward_path.rpartition(b"@")
        mailbox = self._site.find_mailbox(local_part if at else domain)
        if not isinstance(mailbox, str):
            return mailbox or replies.ADDRESS_UNKNOWN
        self._transaction.recipients = [(mailbox, forward_path)]
        return replies.RECIPIENT_OK.about(forward_path)

    def _data(self, _: bytes) -> Reply:
        self._buffer.begin_content()
        self._transaction.open(self._client, b"SMTP")
        return replies.START_MAIL_INPUT

    def _quit(self, _: bytes) -> Reply:
        return replies.CLOSING.about(self._site.hostname)

    def write(self, piece: bytes) -> None:
        """Takes a piece of mail data."""
        self._transaction.write(piece, len(piece))

    def end(self, is_whole: bool) -> Outcome:
        """Ends the message: storage answers later, or the message was too large."""
        if self._transaction.is_open:
            return self._transaction.commit  # called by the session after it has moved to STORING
        return replies.MESSAGE_TOO_LARGE.about(self._site.max_message_size)

    def take_response(self, line: bytes) -> tuple[Event, Outcome]:
        """Never called: this dialect has no authentication."""
        raise NotImplementedError

    def secured(self) -> None:
        """Never called: this dialect has no TLS."""
        raise NotImplementedError

    def abandon(self) -> None:
        """The session is over: drops an unfinished message."""
        self._transaction.abandon()

    by_event: ClassVar[Mapping[Event, Callable[[Any, Any], Outcome]]] = {
        Event.HELO: _helo,
        Event.MAIL: _mail,
        Event.RCPT: _rcpt,
        Event.DATA: _data,
        Event.QUIT: _quit,
    }
