"""What a connection needs of whoever speaks on it, stated as a type.

It does not know any protocol: bytes come in, bytes go out, and at some point it is over.
"""

from collections.abc import Callable
from typing import Protocol


class Conversation(Protocol):
    """One side of a dialogue over a connection. Its methods change its state and put what is to be sent into `outgoing`.

    Many protocols need only the first part of this: `Plain` has the rest.
    """

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


class Plain(Protocol):
    """The optional parts of a Conversation, for those that need none of them: they inherit it, and change what they like."""

    takes_input: bool = True
    is_behind: bool = False
    is_agreed: bool = False
    wants_tls: bool = False
    interest: object = None

    def open(self) -> None:
        """The peer speaks first."""
        return

    def resume(self) -> None:
        """Nothing was left to do."""
        return

    def secured(self) -> None:
        """Never called: no TLS is wanted."""
        return

    def hang_up(self) -> None:
        """There is nothing to give back."""
        return


Opener = Callable[[str, Callable[[], None]], Conversation]
"""Makes the conversation with a peer (`host:port`) of a new connection; the callable given to it wakes that connection."""
