"""What a store is, stated as types: what a server may ask of it, and what it may ask of the loop that it runs in.

Knows nothing about any particular store, nor what messages are for.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from socket import socket
from typing import Any, NamedTuple, Protocol, runtime_checkable

from .errors import StorageError

Answer = Callable[[int, StorageError | None], None]
"""Called with the outcome of a message for one of its recipients: the recipient's number, from 0 in the order in which they
were given; and None if the message is safe there, otherwise why it is not."""

Beside = Callable[[Callable[[], Any], Callable[[Any], None]], object]
"""Runs a call that takes long, in another thread, and later passes its result to a callback in the thread that asked. Raises
RuntimeError if no thread can be started."""


def at_once(work: Callable[[], Any], done: Callable[[Any], None]) -> None:
    """A `Beside` without a thread: makes the call now."""
    done(work())


class Meter(Protocol):
    """Hears how long a store's work took, in seconds. Its methods must be quick, and never fail."""

    def synced(self, seconds: float) -> None:
        """The journal was synced: messages are safe now, or what is about to be done with mailboxes."""

    def moved(self, seconds: float) -> None:
        """Something was done so that messages get from the journal to their mailboxes, or that the journal gets room."""


class Condition(NamedTuple):
    """How a store stands at this moment."""

    fullness: float
    """How full the journal is, or the spool beside it: 1 is the limit. New mail waits or is refused beyond it."""
    waiting: int
    """Messages that are accepted and not yet in their mailboxes; one counts for each of its mailboxes."""
    postponed: int
    """Mailboxes that could not be written to, and are tried again."""
    in_doubt: int
    """Those of them of which it has to be found out what they have: of MOST_LOOKED_AT, at most."""


@runtime_checkable
class Foresighted(Protocol):
    """A store that knows beforehand that it would not take a message. Not all do."""

    def refusal(self) -> StorageError | None:
        """Why a message had better not be begun now; None: it may. It must be quick."""


class Figure(NamedTuple):
    """A figure of a store's own. `label` tells it from others of this name. What is no gauge only grows."""

    name: str
    label: str
    value: float
    is_gauge: bool = False


@runtime_checkable
class Figured(Protocol):
    """A store that has figures of its own. Not all have."""

    def figures(self) -> Iterator[Figure]:
        """They, as they are now."""


MOST_LOOKED_AT = 1000
"""Mailboxes that are looked at for a `Condition`: it must be quick, too."""


@runtime_checkable
class Conditioned(Protocol):
    """A store that can tell how it stands. Not all can."""

    @property
    def condition(self) -> Condition:
        """How it stands now."""


class Timer(Protocol):
    """A call that is to be made."""

    def cancel(self) -> None:
        """Cancels the call, if it was not made yet."""


class Loop(Protocol):
    """The event loop, as far as a store needs it. Each turn reads, makes the calls due before writing, writes, and makes the
    calls due after it.
    """

    def watch(self, file: int | socket, events: int, callback: Callable[[int], None]) -> None:
        """From now on calls `callback(ready events)` when the descriptor is ready for some of `events` (as in selectors)."""

    def rewatch(self, file: int | socket, events: int, callback: Callable[[int], None]) -> None:
        """Changes the events and the callback of a watched descriptor."""

    def unwatch(self, file: int | socket) -> None:
        """Stops watching the descriptor."""

    now: float
    """Seconds since an arbitrary moment, at the end of this turn's wait."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Makes a call `delay` seconds after `now`, or later if the loop is busy."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was ready in this turn."""

    @property
    def is_idle(self) -> bool:
        """Whether this turn was free to wait, and still found nothing ready."""

    @property
    def waited(self) -> float:
        """Seconds that this turn waited."""

    def before_write(self, callback: Callable[[], None]) -> None:
        """Calls `callback` in each turn before replies are written, so that what they promise is true by then."""

    def after_write(self, callback: Callable[[], None]) -> None:
        """Calls `callback` in each turn after replies are written: for work that no client waits for, a little at a time."""

    def turn_within(self, seconds: float) -> None:
        """Makes the next turn wait no longer than this."""


class Message(Protocol):
    """A message on its way into a store."""

    @property
    def id(self) -> str:
        """A name that no other message has."""

    def trace(self, fields: bytes) -> None:
        """Takes the header fields that go before the content."""

    def write(self, content: bytes) -> None:
        """Takes the next piece of content. Never fails: a fault is answered after `commit`."""

    def commit(self, answer: Answer) -> None:
        """Completes the message. Later, `answer` is called once for each recipient, in any order."""

    def abandon(self) -> None:
        """Drops the message: nothing of it is kept."""


class Store(Protocol):
    """Where accepted messages go. It is opened, joins a loop, takes messages, and is closed.

    An answer may take any time: a client that waits for it must have a limit of its own.
    """

    def join(self, loop: Loop, beside: Beside = at_once) -> None:
        """From now on the store works in this loop, and passes calls that take long to `beside`."""

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool = False) -> Message:
        """A new message for some mailboxes, each given with a forward-path; the same mailbox may be given with several.

        If it `is_verbatim`, its line ends stay as they are. Never fails: a fault is answered after `commit`.
        """

    def close(self) -> None:
        """Does what can still be done for accepted messages, and gives back its descriptors. May take a while."""


class Stores(Protocol):
    """The stores of all processes that serve."""

    @property
    def first(self) -> Store:
        """The store of the first process. It accepts mail if it is the only one; otherwise it moves what other processes
        left behind.
        """

    def of_worker(self, number: int) -> Store:
        """The store of a worker, numbered from 1. Call it in the worker's process. Raises StorageError."""


OpenStores = Callable[[Path, int], Stores]
"""Opens the stores of one kind, for a mail directory and this many processes. Raises StorageError."""
