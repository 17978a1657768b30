"""What a session needs of the outside world, stated as types; whoever starts the sessions passes it in.

It does not know who that is: a server with sockets and disks, or a test with neither.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from .dialect import Dialect
from .ends import Ending
from .replies import Reply
from .table import Event, State


class Fault(Protocol):
    """Why a message was not stored; as text it says so to people."""

    kind: Literal["no room", "for now", "for good"]
    """What is wrong, and thereby whether to try again."""


class Message(Protocol):
    """A message on its way into storage."""

    @property
    def id(self) -> str:
        """What the trace field and the log name it by."""

    def trace(self, fields: bytes) -> None:
        """Takes the header fields that go before the content."""

    def write(self, content: bytes) -> None:
        """Takes the next piece of content. Never fails: what goes wrong is answered after `commit`."""

    def commit(self, answer: Callable[[int, Fault | None], None]) -> None:
        """The content is complete. `answer` is called once for each recipient, later, in any order: with its number in the
        order in which they were given, and with None when the message is safe there, else with the fault.
        """

    def abandon(self) -> None:
        """The message will not be completed; nothing of it is kept."""


class Store(Protocol):
    """Where accepted messages go."""

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool) -> Message:
        """A new message for some mailboxes, each with a forward-path, and perhaps with several.

        Verbatim: its line ends are to stay as they are. Never fails: what goes wrong is answered after `commit`.
        """


class Report(Protocol):
    """Takes one line for the log: words with `%` places, and what fills them (as `logging` does)."""

    def __call__(self, words: str, *values: object) -> None: ...


class Observer(Protocol):
    """Is told what happens in a session, in the order in which it happens. Secrets are left out."""

    def heard(self, line: str) -> None:
        """The client has sent this line, which is carried out now, or so much mail data."""

    def moved(self, before: State, event: Event | Ending, after: State, reply: Reply | None) -> None:
        """This happened in a state, and led to another one or to the same; the client hears the reply, if there is one."""

    def said(self, line: str) -> None:
        """This line of the reply is sent to the client."""


def nobody_is_told(words: str, *values: object) -> None:
    """The Report of who keeps no log."""


Authenticate = Callable[[bytes, bytes, Callable[[bool | None], None]], Callable[[], None]]


class Policy(NamedTuple):
    """What an operator decides for the dialect of RFC 5321."""

    max_recipients: int = 1000
    """Of a message (RFC 5321 section 4.5.3.1.8)."""
    max_messages: int = 0
    """On a connection; 0: any number."""
    domains: frozenset[bytes] = frozenset()
    """Those that mail is taken for, in lower case; none: all."""
    postmaster: Callable[[], str | None] = lambda: None
    """The mailbox of the postmaster (RFC 5321 section 4.5.1)."""
    verifies: bool = False
    """Whether VRFY tells who has a mailbox."""
    hidden: frozenset[str] = frozenset()
    """Extensions that are neither offered nor understood."""
    has_tls: bool = False
    requires_tls: bool = False
    authenticate: Authenticate | None = None
    """Looks whether a name and a secret belong together, and calls with the answer; None: that is not known.

    What it returns takes the question back.
    """
    accepts_any: bool = False
    """Whether `authenticate` is content with any name and secret."""
    authenticates_in_clear: bool = False
    requires_authentication: bool = False
    mends_newlines: bool = False
    """Whether a CR or LF alone in mail data becomes a line end; else the message is refused."""


class Site(NamedTuple):
    """What is the same for all sessions of a server."""

    dialect: Dialect
    hostname: bytes
    find_mailbox: Callable[[bytes], str | None]
    """A lower-cased local-part to the name of its mailbox."""
    store: Store
    clock: Callable[[], float]
    """Seconds since the epoch."""
    max_message_size: int
    """Octets of mail data (RFC 1870 section 5: line ends as sent, transparency undone)."""
    max_refusals: int = 0
    """So many refused commands in a row close the connection; 0: never."""
    policy: Policy = Policy()
    share: Callable[[int], int] = lambda most: most
    """How many commands of a client are carried out now before others have their turn, and at most so many."""
