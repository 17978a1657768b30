"""Connects to the server under test, as politely as is asked for: few at once, fewer after a 421, and none after a third.

Knows nothing about what is said.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from errno import EINPROGRESS
from os import strerror

from reactor.loop import WRITE, Reactor
from reactor.stream.connection import Connection

from .sockets import LONGEST_SILENCE, SocketWire, trusting_anybody
from .tasks import Tasks, Waiting, pause

CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection."""

MOST_BUSY = 3
"""Greetings with a 421 after which no more connections are made. Those to clients that came at the same time are one."""

MOST_MUTE = 4
"""The same for connections that are not greeted in time; after these it is said that there is no greeting."""

ROOM_PAUSE = 0.05
"""Seconds between two looks at whether there may be one more connection."""

BACK_OFF = 2.0
"""Seconds to wait after the first 421; twice as long after the second."""

FASTEST_PATIENCE = 5.0
"""Seconds to wait for a reply at least; three times as long as the slowest reply took, if that is more."""

SLOWEST = 10.0
"""Seconds that the slowest reply is taken to have taken at most."""


class Busy(Exception):  # noqa: N818
    """The server has said 421 too often."""


class Visits:
    """Connections to one server.

    `is_encrypted`: TLS from the first octet on. `made` counts them. `not_reached` is raised where none can be made.
    """

    def __init__(
        self,
        reactor: Reactor,
        address: tuple[socket.AddressFamily, tuple[object, ...]],
        tasks: Tasks,
        is_encrypted: bool,
        not_reached: Callable[[str], Exception],
    ) -> None:
        self._reactor = reactor
        self._family, self._address = address
        self._tasks = tasks
        self._is_encrypted = is_encrypted
        self._not_reached = not_reached
        self._context: ssl.SSLContext = trusting_anybody()
        self._busy = self._mute = self._held = 0
        self._backed_off = -1.0
        self._slowest = 0.0
        self.made = 0

    def patience(self) -> float:
        """Seconds to wait for a reply."""
        return max(FASTEST_PATIENCE, 3 * self._slowest)

    async def open(self) -> SocketWire:
        """Connects, and waits for the greeting, which is heard next. Raises what `not_reached` makes, and Busy."""
        while True:
            await self._room()
            began = self._reactor.now
            wire = await self._connected()
            if self._is_encrypted and (fault := await wire.secure()):
                wire.close()
                raise self._not_reached(f"the TLS handshake fails: {fault}")
            came = await wire.hear(self.patience())
            is_busy = (came or b"").startswith(b"421")
            if not is_busy and (came is not None or self._mute >= MOST_MUTE):
                wire.put_back(came or b"")
                return wire
            wire.close()
            if self._is_news(began):
                self._busy += is_busy
                self._mute += not is_busy
            if self._busy >= MOST_BUSY:
                raise Busy((came or b"").decode("ascii", "backslashreplace").strip())
            await pause(self._reactor, BACK_OFF * self._busy)

    def _is_news(self, began: float) -> bool:
        """Takes fewer connections at once, if the one that failed was made after that was done last."""
        if began <= self._backed_off:
            return False
        self._backed_off = self._reactor.now
        self._tasks.at_once = max(1, self._tasks.at_once // 2)
        return True

    async def _room(self) -> None:
        """Waits, after a failure, until there are fewer connections than there may be; not for ever: a task may have two."""
        until = self._reactor.now + self.patience()
        while self._backed_off >= 0 and self._held >= self._tasks.at_once and self._reactor.now < until:
            await pause(self._reactor, ROOM_PAUSE)
        self._held += 1

    def _waited(self, seconds: float) -> None:
        """Something came after so long."""
        self._slowest = min(SLOWEST, max(self._slowest, seconds))

    async def _connected(self) -> SocketWire:
        sock = socket.socket(self._family, socket.SOCK_STREAM)
        sock.setblocking(False)
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(self._address)
        if code == EINPROGRESS:
            waiting: Waiting[int] = Waiting(self._reactor)
            self._reactor.watch(sock, WRITE, lambda _: waiting.bring(0))
            waiting.bring_after(CONNECT_TIMEOUT, -1)
            code = await waiting
            self._reactor.unwatch(sock)
            code = code or sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            sock.close()
            self._held -= 1
            raise self._not_reached("no connection in time" if code < 0 else strerror(code))
        self.made += 1
        made: list[SocketWire] = []

        def begin(_: str, wake: Callable[[], None]) -> SocketWire:
            made.append(SocketWire(self._reactor, sock, self._context, wake, self._waited))
            return made[0]

        connection = Connection(self._reactor, sock, "server", begin, LONGEST_SILENCE, self._closed)
        made[0].close_now = lambda: connection.close("")
        return made[0]

    def _closed(self, _: Connection) -> None:
        self._held -= 1
