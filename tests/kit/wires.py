"""Our own dialects under test by the kit of conformance/, without a socket: a wire on a session in memory."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import cache
from typing import Any, TypeVar

from conformance.checking import Check, Outcome, Selection, Server
from conformance.rules.known import selected
from conformance.target import Target
from conformance.wire import Wire
from protocol.classic.table import CLASSIC
from protocol.engine.dialect import Dialect
from protocol.engine.environment import Policy

from .support import Client

T = TypeVar("T")

TARGET = Target("johndoe@here.example", "nobody@here.example", auth=("johndoe", "secret"))


def run(job: Awaitable[T]) -> T:
    """Runs what waits for nobody."""
    try:
        next(job.__await__())
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waits for somebody")


def together(jobs: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Runs coroutines one after the other."""
    return [run(job) for job in jobs]


class MemoryWire:
    """A connection to a session of ours. Storage, passwords and the handshake answer at once; silence takes no time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._heard = b""

    def send(self, data: bytes) -> None:
        session = self._client.session
        if not session.is_finished:
            session.receive(data)
            self._listen()

    def _listen(self) -> None:
        self._heard += b"".join(line + b"\r\n" for line in self._client.hear())

    async def hear(self, seconds: float) -> bytes | None:
        self._listen()
        heard, self._heard = self._heard, b""
        return heard or (b"" if self._client.session.is_finished else None)

    async def secure(self) -> str:
        if not self._client.session.wants_tls:
            return "the server does not begin the handshake"
        self._client.session.secured()
        self._listen()
        return ""

    async def end_output(self) -> None:
        self._client.session.end_of_input()

    async def pause(self, seconds: float) -> None:
        """No time passes."""

    def close(self) -> None:
        self._client.session.hang_up()


def opener(dialect: Dialect, **policy: Any) -> Callable[[], Coroutine[Any, Any, Wire]]:
    """What opens connections to a dialect, with TLS and a password check if it has them."""

    def authenticate(name: bytes, secret: bytes, answer: Callable[[bool | None], None]) -> Callable[[], None]:
        answer((name, secret) == (b"johndoe", b"secret"))
        return lambda: None

    settings: dict[str, Any] = {"has_tls": True, "authenticate": authenticate, "authenticates_in_clear": True} | policy

    async def open_wire() -> Wire:
        return MemoryWire(Client(dialect, max_message_size=100_000, policy=Policy(**settings)))

    return open_wire


def outcome_of(dialect: Dialect, *only: str, **policy: object) -> Outcome:
    """What the whole check says of a dialect, without the probes: of all rules, or of those that begin so."""
    server = Server(opener(dialect, **policy), TARGET, together, lambda: 1.0)
    return Check(server, Selection(frozenset(selected(only)))).run(())


@cache
def classic() -> Outcome:
    """What it says of the classic dialect."""
    return outcome_of(CLASSIC)
