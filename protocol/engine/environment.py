"""What a session needs from the outside world, stated as types. The caller passes these in: a server, or a test.

`Message` and `Store` state what a session uses of the types of the same names in storage/contract.py. They are repeated
here because rooms may not import one another.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from .dialect import Dialect
from .ends import Ending
from .events import Event
from .replies import Reply
from .table import State


class Fault(Protocol):
    """Why a message was not stored. `str()` gives the reason for people."""

    kind: Literal["no room", "for now", "for good"]
    """The kind of problem. It decides whether the client is told to try again."""


class Message(Protocol):
    """A message on its way into storage."""

    @property
    def id(self) -> str:
        """The identifier of the message in its trace field and in the log."""

    def trace(self, fields: bytes) -> None:
        """Takes the header fields that go before the content."""

    def write(self, content: bytes) -> None:
        """Takes the next piece of content. Never fails: `commit` reports errors."""

    def commit(self, answer: Callable[[int, Fault | None], None]) -> None:
        """Completes the message. Calls `answer` later, once for each recipient, in any order.

        Its arguments are the recipient's index in the list given to `begin`, and None when the message is safely stored
        for that recipient, else the fault.
        """

    def abandon(self) -> None:
        """Drops the message; nothing of it is kept."""


class Store(Protocol):
    """Accepts messages and keeps them."""

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool) -> Message:
        """Starts a message. `recipients` are pairs of mailbox and forward-path; a mailbox may occur several times.

        `is_verbatim`: the store keeps the line ends as they are. Never fails: `Message.commit` reports errors.
        """


class Report(Protocol):
    """Takes one line for the log: a format with `%` placeholders, and its values (as in `logging`)."""

    def __call__(self, words: str, *values: object) -> None: ...


class Observer(Protocol):
    """Follows a session: each method is called as the thing happens, in order. Secrets are left out."""

    def heard(self, line: str) -> None:
        """The session is about to process this line from the client, or this piece of mail data."""

    def moved(self, before: State, event: Event | Ending, after: State, reply: Reply | None) -> None:
        """The session has processed an event, and sends the reply, if there is one. `after` may be the same as `before`."""

    def said(self, line: str) -> None:
        """The session sends this line of the reply to the client."""


Move = tuple[State, Event | Ending, State, int]
"""What `Observer.moved` is told, with the code of the reply in place of the reply; 0 if there is none."""

Follow = Callable[[Move], object]
"""Hears of each move of a session, and of nothing else; it must not fail. It takes a tuple, so that the `append` of a list
will do, which costs least."""


def nobody_is_told(words: str, *values: object) -> None:
    """A Report that discards everything."""


Authenticate = Callable[[bytes, bytes, Callable[[bool | None], None]], Callable[[], None]]

FindMailbox = Callable[[bytes], str | Reply | None]
"""Maps a lower-cased local-part to the name of its mailbox. None: there is no such mailbox. A Reply: why it has none now."""


class Policy(NamedTuple):
    """The operator's settings for the dialect of RFC 5321."""

    max_recipients: int = 1000
    """Most recipients of one message (RFC 5321 section 4.5.3.1.8)."""
    max_messages: int = 0
    """Most messages on one connection; 0: no limit."""
    domains: frozenset[bytes] = frozenset()
    """The domains that the server accepts mail for, in canonical form (`domains.canonical`); empty: all domains."""
    postmaster: Callable[[], str | None] = lambda: None
    """Gives the postmaster's mailbox (RFC 5321 section 4.5.1)."""
    verifies: bool = False
    """Whether VRFY reveals which mailboxes exist."""
    hidden: frozenset[str] = frozenset()
    """Extensions that the server neither offers nor understands."""
    has_tls: bool = False
    requires_tls: bool = False
    authenticate: Authenticate | None = None
    """Checks a name and a secret, and calls the given callback with the result; None: the check was not possible.

    Returns a function that cancels the check.
    """
    accepts_any: bool = False
    """Whether `authenticate` accepts any name and secret."""
    authenticates_in_clear: bool = False
    requires_authentication: bool = False
    mends_newlines: bool = False
    """Whether a bare CR or LF in mail data is turned into a CRLF; else the message is refused."""


class Setting(Protocol):
    """What a session asks of that which all sessions of a server share."""

    @property
    def dialect(self) -> Dialect:
        """The dialect that they speak."""

    @property
    def hostname(self) -> bytes:
        """What the server calls itself."""

    @property
    def max_refusals(self) -> int:
        """This many refused commands in a row close the connection; 0: no limit."""

    @property
    def is_wary(self) -> bool:
        """Whether an unknown line may hold a secret."""

    @property
    def share(self) -> Callable[[int], int]:
        """How many commands one client may run now; never more than the argument."""


class Site(NamedTuple):
    """Everything that all sessions of an SMTP server share."""

    dialect: Dialect
    hostname: bytes
    find_mailbox: FindMailbox
    store: Store
    clock: Callable[[], float]
    """Seconds since the epoch."""
    max_message_size: int
    """In octets of mail data (RFC 1870 section 5: line ends as sent, without dot-stuffing)."""
    max_refusals: int = 0
    """This many refused commands in a row close the connection; 0: no limit."""
    policy: Policy = Policy()
    share: Callable[[int], int] = lambda most: most
    """How many commands one client may run now; never more than the argument."""
    stored: Callable[[int], None] | None = None
    """Hears of each message that was stored for all its recipients: the octets of mail data, as for `max_message_size`."""
    refusal: Callable[[], Fault | None] = lambda: None
    """Why storage would not take a message now, if that is known before any of it was sent."""

    @property
    def is_wary(self) -> bool:
        """Whether an unknown line may hold a secret: clients may authenticate."""
        return self.policy.authenticate is not None
