"""A client for tests of POP3, without a network, and mailboxes and a password check for it."""

from base64 import b64encode
from collections.abc import Callable, Collection
from typing import NamedTuple

from protocol.engine.dialect import Dialect
from protocol.engine.environment import Observer
from protocol.engine.session import Session
from protocol.pop3.content import Size
from protocol.pop3.outside import Maildrop, PopSite, Unopened
from protocol.pop3.table import POP3

Answer = Callable[[], None]


class Kept(NamedTuple):
    """A message in a mailbox."""

    id: str
    octets: bytes

    @property
    def size(self) -> int:
        size = Size()
        if self.octets:
            size.add(self.octets)
        return size.octets


class Outside:
    """All that a session asks of others. It answers when `settle` is called; or at once, if it `is_quick`.

    `mailbox` are the octets of the messages there. Those in `gone` are not there any more, and those in `torn` cannot be
    read to their end.
    """

    def __init__(self, *mailbox: bytes, is_quick: bool = False, piece: int = 1 << 20) -> None:
        self.mailbox = [Kept(f"id{number}", octets) for number, octets in enumerate(mailbox, 1)]
        self.is_quick = is_quick
        self.is_able = self.can_remove = True
        self.why: Unopened | None = None
        self.is_open = False
        self.gone: set[int] = set()
        self.torn: set[int] = set()
        self.pending: list[Answer] = []
        self.taken_back = 0
        self._piece = piece

    def _soon(self, answer: Answer) -> None:
        self.pending.append(answer)
        if self.is_quick:
            self.settle()

    def settle(self) -> None:
        """Gives the answers that are due."""
        pending, self.pending = self.pending, []
        for answer in pending:
            answer()

    def take_back(self) -> None:
        self.pending.clear()
        self.taken_back += 1

    def authenticate(self, name: bytes, secret: bytes, answer: Callable[[bool | None], None]) -> Callable[[], None]:
        is_right = (name, secret) == (b"johndoe", b"secret")
        self._soon(lambda: answer(is_right if self.is_able else None))
        return self.take_back

    def open(self, name: bytes, answer: Callable[[Maildrop | Unopened], None]) -> Callable[[], None]:
        def opened() -> None:
            if self.why is None:
                self.is_open = True
            answer(self.why or Box(self))

        assert name == b"johndoe"
        self._soon(opened)
        return self.take_back

    def fetched(self, index: int, answer: Callable[["Reading | None"], None]) -> None:
        self._soon(lambda: answer(None if index in self.gone else Reading(self, index)))

    def read(self, reading: "Reading", answer: Callable[[bytes | None], None]) -> None:
        def give() -> None:
            octets = self.mailbox[reading.index].octets
            piece = octets[reading.at : reading.at + self._piece]
            reading.at += len(piece)
            answer(None if reading.index in self.torn and reading.at == len(octets) else piece)

        self._soon(give)

    def removed(self, indices: Collection[int], answer: Callable[[bool], None]) -> None:
        def remove() -> None:
            if self.can_remove:
                self.mailbox = [kept for index, kept in enumerate(self.mailbox) if index not in indices]
            answer(self.can_remove)

        self._soon(remove)


class Box:
    """An open mailbox."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self.entries = tuple(outside.mailbox)

    def fetch(self, index: int, answer: Callable[["Reading | None"], None]) -> None:
        self._outside.fetched(index, answer)

    def remove(self, indices: Collection[int], answer: Callable[[bool], None]) -> None:
        self._outside.removed(indices, answer)

    def close(self) -> None:
        self._outside.is_open = False


class Reading:
    """A message that is being read."""

    def __init__(self, outside: Outside, index: int) -> None:
        self._outside = outside
        self.index = index
        self.at = 0

    def read(self, answer: Callable[[bytes | None], None]) -> None:
        self._outside.read(self, answer)


class PopClient:
    """A client of a session. A TLS handshake succeeds when `secure` is called; at once if the session is encrypted from the
    first octet on.
    """

    def __init__(
        self,
        outside: Outside | None = None,
        *,
        dialect: Dialect = POP3,
        max_refusals: int = 0,
        has_tls: bool = True,
        takes_clear: bool = True,
        accepts_any: bool = False,
        is_encrypted: bool = False,
        is_secured: bool = True,
        observer: Observer | None = None,
    ) -> None:
        self.outside = outside or Outside(b"Subject: x\n\ntext\n", is_quick=True)
        self.log: list[str] = []
        self.woken = 0
        site = PopSite(
            dialect, b"pop.test", self.outside.open, self.outside.authenticate, max_refusals, has_tls, takes_clear,
            accepts_any,
        )  # fmt: skip
        self.session = Session(site, "192.0.2.1", self._report, self._wake, is_encrypted, observer)
        self.session.open()
        if is_encrypted and is_secured:
            self.session.secured()
        self.greeting = self.hear()

    def _report(self, words: str, *values: object) -> None:
        self.log.append(words % values)

    def _wake(self) -> None:
        self.woken += 1

    def send(self, data: bytes) -> bytes:
        """Sends octets as they are; returns what the server says."""
        self.session.receive(data)
        return self.hear()

    def say(self, *lines: str) -> bytes:
        """Sends lines one at a time; returns what the server says to the last one."""
        heard = b""
        for line in lines:
            heard = self.send(line.encode() + b"\r\n")
        return heard

    def hear(self) -> bytes:
        """Makes all turns that are due; returns what was not returned before."""
        heard = b""
        while self.session.outgoing or self.woken or self.session.is_behind:
            heard += bytes(self.session.outgoing)
            self.session.outgoing.clear()
            if self.woken or self.session.is_behind:
                self.woken = 0
                self.session.resume()
        return heard

    def settle(self) -> bytes:
        """Lets others answer what was asked so far; returns what the server says."""
        self.outside.settle()
        return self.hear()


def proof(name: bytes = b"johndoe", secret: bytes = b"secret", identity: bytes = b"") -> str:
    """The initial response of PLAIN."""
    return b64encode(identity + b"\0" + name + b"\0" + secret).decode()


LOGIN = ("user johndoe", "pass secret")
