"""What a connection needs from the conversation on it, stated as types.

Knows nothing about any protocol: bytes come in, bytes go out, and at some point it is over.
"""

from collections.abc import Callable
from typing import Protocol


class Simple(Protocol):
    """The parts that every conversation has. Its methods change its state and append to `outgoing`."""

    @property
    def outgoing(self) -> bytearray:
        """Bytes to send. The connection removes from the front what it has sent."""

    @property
    def is_finished(self) -> bool:
        """True: the connection must send `outgoing` and then close."""

    @property
    def patience(self) -> float:
        """Seconds of silence after which `time_out` is called. The connection's `idle_timeout` is the cap, except while the
        peer waits for us."""

    @property
    def farewell(self) -> str:
        """The reason for the end, for the log."""

    def receive(self, data: bytes) -> None:
        """Takes bytes from the peer."""

    def end_of_input(self) -> None:
        """The peer sends no more; it may still read."""

    def time_out(self) -> None:
        """Nothing was sent or received for too long."""

    def shut_down(self, at_once: bool) -> None:
        """The program wants to end: at once, or after a step that should not be interrupted."""

    def break_down(self) -> None:
        """A method of this conversation has raised an exception."""


class Interest(Protocol):
    """What a conversation wants of its connection: the values of its properties of these names. It never changes."""

    @property
    def is_finished(self) -> bool:
        """The connection must send `outgoing` and then close."""

    @property
    def patience(self) -> float:
        """Seconds of silence after which `time_out` is called."""

    @property
    def takes_input(self) -> bool:
        """The connection reads, unless the conversation `is_behind`."""

    @property
    def wants_tls(self) -> bool:
        """The connection must send `outgoing` and then do a TLS handshake."""


class Conversation(Simple, Protocol):
    """One side of a dialogue over a connection, with the parts that only some protocols need.

    `Completed` adds these parts to a `Simple` conversation.
    """

    # For those that speak first, or release something at the end

    def open(self) -> None:
        """The connection is established."""

    def hang_up(self) -> None:
        """The connection is gone."""

    # For those that wait for an answer, or process their input in shares

    @property
    def takes_input(self) -> bool:
        """False: the connection must not read now. `resume` may change this."""

    @property
    def is_behind(self) -> bool:
        """True: input is left to process. The connection calls `resume` when `outgoing` is sent."""

    def resume(self) -> None:
        """Continues: the conversation was behind and `outgoing` is sent, or it has called its wake-up function."""

    # For those that agree with the peer on the end, or on TLS in the middle of the dialogue

    @property
    def is_agreed(self) -> bool:
        """True: the peer has asked for the end, so it sends nothing more."""

    @property
    def wants_tls(self) -> bool:
        """True: the connection must send `outgoing` and then do a TLS handshake. Until `secured` is called the conversation
        gets no more input and sends nothing. It discards plain text that it has read but not processed.
        """

    def secured(self) -> None:
        """The connection is now encrypted, as `wants_tls` asked."""

    # For those with so many lines that each property costs time

    @property
    def interest(self) -> Interest | None:
        """Stays the same object while its values are unchanged, so that the connection need not read them after each line.
        None: the connection reads the conversation's own properties, every time.
        """


class Completed:
    """Makes a simple conversation a full one: the peer speaks first, input is always taken, and there is no TLS."""

    __slots__ = ("_simple",)

    takes_input = True
    is_behind = is_agreed = wants_tls = False
    interest = None

    def __init__(self, simple: Simple) -> None:
        self._simple = simple

    @property
    def outgoing(self) -> bytearray:
        """Bytes to send."""
        return self._simple.outgoing

    @property
    def is_finished(self) -> bool:
        """True: the conversation is over when `outgoing` is sent."""
        return self._simple.is_finished

    @property
    def patience(self) -> float:
        """Seconds of silence after which `time_out` is called."""
        return self._simple.patience

    @property
    def farewell(self) -> str:
        """The reason for the end, for the log."""
        return self._simple.farewell

    def receive(self, data: bytes) -> None:
        """Takes bytes from the peer."""
        self._simple.receive(data)

    def end_of_input(self) -> None:
        """The peer sends no more."""
        self._simple.end_of_input()

    def time_out(self) -> None:
        """Nothing was sent or received for too long."""
        self._simple.time_out()

    def shut_down(self, at_once: bool) -> None:
        """The program wants to end."""
        self._simple.shut_down(at_once)

    def break_down(self) -> None:
        """A method of the conversation has raised an exception."""
        self._simple.break_down()

    def open(self) -> None:
        """Does nothing: the peer speaks first."""

    def resume(self) -> None:
        """Does nothing: all input is processed as it arrives."""

    def secured(self) -> None:
        """Never called: it wants no TLS."""

    def hang_up(self) -> None:
        """Does nothing: there is nothing to release."""


Opener = Callable[[str, Callable[[], None]], Conversation]
"""Creates the conversation of a new connection. Its arguments: the peer (`host:port`), and a function that wakes the
connection."""
