"""What a dialogue needs of whatever carries its bytes, stated as types: a socket, or a session in memory.

Knows nothing about SMTP.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class NotReached(Exception):  # noqa: N818
    """No connection could be made; the text says why."""


class Wire(Protocol):
    """A connection to the server. What it awaits is the business of whoever runs the coroutines."""

    def send(self, data: bytes) -> None:
        """Sends bytes, as soon as there is room. Without effect once the connection is closed."""

    async def hear(self, seconds: float) -> bytes | None:
        """The bytes that come next; b"" at the end of the connection; None if nothing comes for so long."""

    async def secure(self) -> str:
        """Makes a TLS handshake. Returns why it failed, "" if it did not."""

    async def end_output(self) -> None:
        """Says that nothing more will be sent; what the server says can still be heard."""

    async def pause(self, seconds: float) -> None:
        """Lets time pass, once all is sent."""

    def close(self) -> None:
        """Closes the connection at once."""


Open = Callable[[], Awaitable[Wire]]
"""Connects. Raises NotReached."""

Job = Coroutine[Any, Any, T]
Together = Callable[[Sequence[Coroutine[Any, Any, Any]]], list[Any]]
"""Runs coroutines to their ends, several at once, and returns their results in the order of the coroutines."""
