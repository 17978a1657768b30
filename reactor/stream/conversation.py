"""What a connection needs of whoever speaks on it, stated as a type.

It does not know any protocol: bytes come in, bytes go out, and at some point it is over.
"""

from collections.abc import Callable
from typing import Protocol


class Simple(Protocol):
    """What every conversation has. Its methods change its state and put what is to be sent into `outgoing`."""

    @property
    def outgoing(self) -> bytearray:
        """What is to be sent; the connection takes off its front what it has sent."""

    @property
    def is_finished(self) -> bool:
        """True: when `outgoing` is sent, the connection is to be closed."""

    @property
    def patience(self) -> float:
        """Seconds of silence after which this state is over; the connection's `idle_timeout` is the cap."""

    @property
    def farewell(self) -> str:
        """Why it is finished, for the log."""

    def receive(self, data: bytes) -> None:
        """These bytes came."""

    def end_of_input(self) -> None:
        """The peer will send no more; it may still read."""

    def time_out(self) -> None:
        """Nothing was sent or read for too long."""

    def shut_down(self, at_once: bool) -> None:
        """The program wants to end: at once, or when what must not be broken off has ended."""

    def break_down(self) -> None:
        """A method of this conversation has raised an exception."""


class Conversation(Simple, Protocol):
    """One side of a dialogue over a connection, with the parts that not every protocol needs: `Completed` has them for a
    `Simple` one.
    """

    # Who speaks first, or holds something that is to be given back

    def open(self) -> None:
        """The connection stands."""

    def hang_up(self) -> None:
        """The connection is gone."""

    # Who waits for others, or leaves them their turn

    @property
    def takes_input(self) -> bool:
        """False: nothing is to be read from the peer now, until `resume` or a wake-up has changed it."""

    @property
    def is_behind(self) -> bool:
        """True: not all that came is carried out yet; `resume` goes on with it, when `outgoing` is sent."""

    def resume(self) -> None:
        """The conversation is behind and `outgoing` is sent, or it has called for a wake-up."""

    # Who agrees with the peer on the end, or on TLS in the middle of the dialogue

    @property
    def is_agreed(self) -> bool:
        """True: the peer has asked for the end, so nothing more is expected of it."""

    @property
    def wants_tls(self) -> bool:
        """True: when `outgoing` is sent, the connection is to be encrypted; nothing more is read as plain text, or said,
        before it is. The conversation throws away what it has read but not carried out.
        """

    def secured(self) -> None:
        """The connection is encrypted from here on, as it was wanted."""

    # Who is asked so often that it counts

    @property
    def interest(self) -> object:
        """The same object for as long as `is_finished`, `wants_tls`, `patience` and, but for `is_behind`, `takes_input` stay
        as they are, so that these need not be asked for after each line; or None, and then they are.
        """


class Completed:
    """A simple conversation, completed: its peer speaks first, it takes input until it is finished, and wants no TLS."""

    __slots__ = ("_simple",)

    takes_input = True
    is_behind = is_agreed = wants_tls = False
    interest = None

    def __init__(self, simple: Simple) -> None:
        self._simple = simple

    @property
    def outgoing(self) -> bytearray:
        """The conversation's, and so are the following."""
        return self._simple.outgoing

    @property
    def is_finished(self) -> bool:
        """When `outgoing` is sent, it is over."""
        return self._simple.is_finished

    @property
    def patience(self) -> float:
        """Seconds of silence that end it."""
        return self._simple.patience

    @property
    def farewell(self) -> str:
        """Why it is finished."""
        return self._simple.farewell

    def receive(self, data: bytes) -> None:
        """These bytes came."""
        self._simple.receive(data)

    def end_of_input(self) -> None:
        """The peer will send no more."""
        self._simple.end_of_input()

    def time_out(self) -> None:
        """Nothing was sent or read for too long."""
        self._simple.time_out()

    def shut_down(self, at_once: bool) -> None:
        """The program wants to end."""
        self._simple.shut_down(at_once)

    def break_down(self) -> None:
        """One of its methods has raised an exception."""
        self._simple.break_down()

    def open(self) -> None:
        """The peer speaks first."""

    def resume(self) -> None:
        """Nothing was left to do."""

    def secured(self) -> None:
        """Never called: no TLS is wanted."""

    def hang_up(self) -> None:
        """There is nothing to give back."""


Opener = Callable[[str, Callable[[], None]], Conversation]
"""Makes the conversation with a peer (`host:port`) of a new connection; the callable given to it wakes that connection."""
