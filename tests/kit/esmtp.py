"""A client for tests of RFC 5321's dialect, without a network, and a store and a password check for it."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

from protocol.engine.environment import Fault, FindMailbox, Follow, Observer, Policy, Site
from protocol.engine.session import Session
from protocol.esmtp.table import ESMTP

from .support import NOW, Kept, MemoryMessage, MemoryStore, find_user

EHLO, FROM, TO = "ehlo me", "mail from:<a@b>", "rcpt to:<johndoe@here>"
TO_RCPT = (EHLO, FROM, TO)


class Mailboxes:
    """A store that keeps messages in memory, and knows which of them were verbatim."""

    def __init__(self) -> None:
        self.memory = MemoryStore()
        self.verbatim: list[bool] = []

    def begin(self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool) -> MemoryMessage:
        self.verbatim.append(is_verbatim)
        return self.memory.begin(reverse_path, recipients, is_verbatim)


class Checker:
    """A password check that knows one name and its secret. Answers at once, or, if it is slow, when `settle` is called."""

    name, secret = b"johndoe", b"sesame street"

    def __init__(self, is_slow: bool = False, is_able: bool = True) -> None:
        self.is_slow = is_slow
        self._is_able = is_able
        self.asked: list[tuple[bytes, bytes]] = []
        self.waiting: list[tuple[bool | None, Callable[[bool | None], None]]] = []
        self.taken_back = 0

    def __call__(self, name: bytes, secret: bytes, answer: Callable[[bool | None], None]) -> Callable[[], None]:
        self.asked.append((name, secret))
        self.waiting.append(((name, secret) == (self.name, self.secret) if self._is_able else None, answer))
        if not self.is_slow:
            self.settle()
        return self._take_back

    def _take_back(self) -> None:
        self.taken_back += 1
        self.waiting.clear()

    def settle(self) -> None:
        waiting, self.waiting = self.waiting, []
        for verdict, answer in waiting:
            answer(verdict)


class EsmtpClient:
    """A client whose disk answers at the end of each turn, unless `disk_is_slow`. A TLS handshake succeeds at once.
    `open_session` makes something that is used like a Session.

    Other arguments are those of `Policy`.
    """

    def __init__(
        self,
        *,
        max_message_size: int = 1000,
        max_refusals: int = 0,
        disk_is_slow: bool = False,
        is_encrypted: bool = False,
        find: FindMailbox = find_user,
        observer: Observer | None = None,
        follow: Follow | None = None,
        stored: Callable[[int], None] | None = None,
        refusal: Callable[[], Fault | None] = lambda: None,
        open_session: Callable[..., Any] = Session,
        **policy: Any,
    ) -> None:
        self.store = Mailboxes()
        self.log: list[str] = []
        self._disk_is_slow = disk_is_slow
        site = Site(
            ESMTP, b"mx.test", find, self.store, lambda: NOW, max_message_size, max_refusals, Policy(**policy),
            stored=stored, refusal=refusal,
        )  # fmt: skip
        self.session: Session = open_session(site, "192.0.2.1", self._report, lambda: None, is_encrypted, observer, follow)
        self.session.open()
        if is_encrypted:
            self.session.secured()
        self.greeting = self.hear()

    def _report(self, words: str, *values: object) -> None:
        self.log.append(words % values)

    @property
    def boxes(self) -> dict[str, list[Kept]]:
        return self.store.memory.boxes

    @property
    def contents(self) -> list[bytes]:
        """The content of each message in the mailboxes, in the order of the mailboxes' names."""
        return [kept.content for _, box in sorted(self.boxes.items()) for kept in box]

    @property
    def traces(self) -> list[bytes]:
        return self.store.memory.traces

    def send(self, data: bytes) -> list[bytes]:
        """Sends bytes as they are; returns the lines of the replies."""
        self.session.receive(data)
        return self.hear()

    def say(self, *lines: str) -> list[bytes]:
        """Sends lines one at a time; returns the lines of the last one's replies."""
        heard: list[bytes] = []
        for line in lines:
            heard = self.send(line.encode() + b"\r\n")
        return heard

    def codes(self, *lines: str) -> list[int]:
        """Sends lines one at a time; returns the reply codes of the last one."""
        return [int(reply[:3]) for reply in self.say(*lines)]

    def hear(self) -> list[bytes]:
        """Makes all turns that are due; returns the lines of replies not returned before."""
        while self.session.is_behind or (self.store.memory.committed and not self._disk_is_slow):
            if not self._disk_is_slow:
                self.store.memory.settle()
            self.session.resume()
        heard = bytes(self.session.outgoing)
        self.session.outgoing.clear()
        return heard.split(b"\r\n")[:-1]

    def settle(self) -> list[bytes]:
        """Lets the store answer; returns the lines of the replies."""
        self.store.memory.settle()
        self.session.resume()
        return self.hear()

    def secure(self) -> None:
        """Sends STARTTLS, and completes the handshake."""
        assert self.codes("starttls") == [220]
        self.session.secured()


def base64(text: bytes) -> str:
    """A text in base64, as a line has it."""
    return b64encode(text).decode()


def proof(name: bytes = Checker.name, secret: bytes = Checker.secret) -> str:
    """The initial response of PLAIN."""
    return base64(b"\0" + name + b"\0" + secret)
