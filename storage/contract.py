"""What a store is, stated as types: what whoever serves may ask of one, and what it may ask of the loop that it lives in.

It does not know any store, nor what a message is for.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from socket import socket
from typing import Any, Protocol

from .errors import StorageError

Answer = Callable[[int, StorageError | None], None]
"""Is told what became of a message for one of its recipients, by its number in the order in which they were given: None
when it is safe there, else why it is not."""

Beside = Callable[[Callable[[], Any], Callable[[Any], None]], object]
"""Makes a call that takes long, and tells its result: later, in the thread in which it was asked to. Raises RuntimeError
when there can be no thread."""


def at_once(work: Callable[[], Any], done: Callable[[Any], None]) -> None:
    """The Beside of who has no thread: makes the call now."""
    done(work())


class Loop(Protocol):
    """The event loop, as far as a store needs one. Each turn reads, calls what is due before writing, writes, and calls what
    is due after it.
    """

    def watch(self, file: int | socket, events: int, callback: Callable[[int], None]) -> None:
        """From now on calls `callback(ready events)` when the descriptor is ready for some of `events` (as in selectors)."""

    def rewatch(self, file: int | socket, events: int, callback: Callable[[int], None]) -> None:
        """Watches a watched descriptor for other events."""

    def unwatch(self, file: int | socket) -> None:
        """Watches the descriptor no longer."""

    @property
    def is_quiet(self) -> bool:
        """Nothing was ready in this turn."""

    @property
    def is_idle(self) -> bool:
        """This turn could wait, and even so found nothing ready."""

    @property
    def waited(self) -> float:
        """Seconds that this turn has waited."""

    def before_write(self, callback: Callable[[], None]) -> None:
        """Calls in each turn, before replies are written: what they promise is made true there."""

    def after_write(self, callback: Callable[[], None]) -> None:
        """Calls in each turn, when replies are written: for what nobody waits for, a little at a time."""

    def turn_within(self, seconds: float) -> None:
        """The next turn waits no longer than that."""


class Message(Protocol):
    """A message on its way into a store."""

    @property
    def id(self) -> str:
        """A name that no other message has."""

    def trace(self, fields: bytes) -> None:
        """Takes the header fields that go before the content."""

    def write(self, content: bytes) -> None:
        """Takes the next piece of content. Never fails: what goes wrong is answered after `commit`."""

    def commit(self, answer: Answer) -> None:
        """The content is complete. `answer` is called once for each recipient, later, in any order."""

    def abandon(self) -> None:
        """The message will not be completed; nothing of it is kept."""


class Store(Protocol):
    """Where accepted messages go. It is opened, joins a loop, takes messages, and is closed.

    There is no limit on how long an answer may take: whoever waits for it has one.
    """

    def join(self, loop: Loop, beside: Beside = at_once) -> None:
        """From now on it does its work in this loop, and what takes long beside it."""

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool = False) -> Message:
        """A new message for some mailboxes, each with a forward-path, and perhaps with several.

        Verbatim: its line ends are to stay as they are. Never fails: what goes wrong is answered after `commit`.
        """

    def close(self) -> None:
        """Does what can still be done for what was accepted, and gives back its descriptors. It may take a while."""


class Stores(Protocol):
    """The stores of all processes that serve."""

    @property
    def first(self) -> Store:
        """That of the first process: it accepts mail if it is the only one, else it moves what others left behind."""

    def of_worker(self, number: int) -> Store:
        """That of a worker, numbered from 1; called in its process. Raises StorageError."""


OpenStores = Callable[[Path, int], Stores]
"""Opens, for a mail directory and so many processes, the stores of one kind. Raises StorageError."""
