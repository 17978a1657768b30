"""What the web side needs besides an inbox: a timer, a thread, a way to send mail, and figures about the server.

service/ has the real ones.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypedDict, TypeVar

T = TypeVar("T")


class Timer(Protocol):
    """A call that is to be made."""

    def cancel(self) -> object:
        """It is not made, if it was not yet."""


class CallLater(Protocol):
    """Makes a call in the loop after some seconds."""

    def __call__(self, delay: float, callback: Callable[[], None], /) -> Timer: ...


class Beside(Protocol):
    """Makes a call that takes long in a thread; `done` gets its result in the loop, None if it has failed."""

    def __call__(self, work: Callable[[], T], done: Callable[[T | None], None], /) -> object: ...


class Outcome(NamedTuple):
    """What an SMTP server said of a message, or of the first recipient that it refused."""

    code: int
    """Its reply code; 421 if it could not be reached."""
    text: str = ""


class Submit(Protocol):
    """Hands a message to the SMTP side, as any client does. Never blocks; `answer` is called once, in the loop."""

    def __call__(
        self, sender: str, recipients: Sequence[str], octets: bytes, answer: Callable[[Outcome], None], /
    ) -> None: ...


class Watch(NamedTuple):
    """What programs ask that look after the server."""

    trouble: Callable[[], str] = lambda: ""
    """Why it cannot take or show mail at this moment, for people to read; "" if it can, as far as is known."""
    exposition: Callable[[], bytes] = lambda: b""
    """All that is counted, in Prometheus's text format 0.0.4."""


class ClientRemark(TypedDict):
    """A rule of an RFC that a client broke in a session."""

    Rule: str
    """An id that never changes, as `5321-2.3.8-bare-lf`."""
    Section: str
    Level: str
    """MUST, SHOULD or note."""
    Words: str
    """What it did."""
    Instead: str
    """What it should do."""
    Times: int
    Example: str
    """The line with which it did so first; "" where that may be secret."""


class ClientSession(TypedDict):
    """A session of a client that is over."""

    Ended: str
    """RFC 3339 in UTC, with milliseconds."""
    Client: str
    """Its address and port."""
    Name: str
    """What it called itself in HELO or EHLO."""
    Commands: int
    Messages: int
    """Those that were accepted."""
    Stored: list[str]
    """Their ids, as in their Received fields; the first 150."""
    Remarks: list[ClientRemark]
    """Empty: it kept to the RFCs, as far as can be seen."""


LatestClients = Callable[[int], list[ClientSession]]
"""Gives so many sessions, newest first."""


class Tools(NamedTuple):
    """All of it."""

    call_later: CallLater
    beside: Beside
    submit: Submit
    figures: Callable[[], "Figures"]
    """Those of this moment."""
    now: Callable[[], datetime]
    """The time, with a time zone."""
    watch: Watch = Watch()
    clients: LatestClients | None = None
    """Those of them that are known; None: clients are not examined."""


class Figures(NamedTuple):
    """The server and what it has done since it was started. Sizes are in octets."""

    version: str
    database: str
    """What the index is called. No path: whoever may read one mailbox may read this."""
    database_size: int = 0
    uptime: int = 0
    """Seconds."""
    memory: int = 0
    deleted: int = 0
    """Messages."""
    accepted: int = 0
    """Messages."""
    accepted_size: int = 0
    rejected: int = 0
    """Messages."""
