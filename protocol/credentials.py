"""The exchange by which a client proves who it is: the mechanisms PLAIN (RFC 4616) and LOGIN, in base64.

It does not know who exists.
"""

from base64 import b64encode
from collections.abc import Callable
from functools import partial

from . import replies
from .acts import Outcome
from .grammar import Auth, decoded
from .outside import Authenticate
from .replies import Reply
from .table import Verb


class Exchange:
    """One attempt. `name` and `secret` are known when nothing `is_missing`."""

    __slots__ = ("_asked", "name", "secret")

    def __init__(self, auth: Auth) -> None:
        self._asked = _QUESTIONS[auth.mechanism]
        self.name = self.secret = b""

    @property
    def is_missing(self) -> bool:
        """Whether there is something left to be asked for."""
        return bool(self._asked)

    def challenge(self) -> Reply:
        """What is asked for next."""
        return replies.CHALLENGE.about(b64encode(self._asked[0]))

    def hear(self, line: bytes) -> Reply | None:
        """An answer, in base64; a reply refuses it, and the attempt is over."""
        if line == b"*":
            return replies.AUTH_CANCELLED
        answer = decoded(line)
        return answer if isinstance(answer, Reply) else self.take(answer)

    def take(self, answer: bytes) -> Reply | None:
        """An answer that is decoded."""
        question, self._asked = self._asked[0], self._asked[1:]
        if question == _ALL:
            identity, *parts = answer.split(b"\0")
            if len(parts) != 2 or not parts[0]:
                return replies.NOT_ENCODED
            if identity not in (b"", parts[0]):  # nobody acts for somebody else here
                return replies.WRONG_CREDENTIALS
            self.name, self.secret = parts
        elif question == _NAME:
            self.name = answer
        else:
            self.secret = answer
        return None


_ALL, _NAME, _SECRET = b"", b"Username:", b"Password:"
_QUESTIONS = {b"PLAIN": (_ALL,), b"LOGIN": (_NAME, _SECRET)}


class Proof:
    """Whether a client has proved who it is, and its attempt to."""

    __slots__ = ("_authenticate", "_exchange", "_take_back", "is_given")

    def __init__(self) -> None:
        self._exchange: Exchange | None = None
        self._take_back: Callable[[], None] | None = None
        self.is_given = False

    def begin(self, auth: Auth, authenticate: Authenticate) -> Outcome:
        """An attempt, which is answered with a challenge unless nothing is missing."""
        self._authenticate = authenticate
        self._exchange = exchange = Exchange(auth)
        refusal = None if auth.response is None else exchange.take(auth.response)
        return refusal or self._go_on(exchange)

    def hear(self, line: bytes) -> tuple[Verb, Outcome]:
        """The answer to a challenge."""
        exchange = self._exchange
        assert exchange
        refusal = exchange.hear(line)
        return (Verb.AUTH if refusal or exchange.is_missing else Verb.PROOF), refusal or self._go_on(exchange)

    def _go_on(self, exchange: Exchange) -> Outcome:
        return exchange.challenge() if exchange.is_missing else partial(self._check, exchange)

    def _check(self, exchange: Exchange, answer: Callable[[Reply], None]) -> None:
        def checked(is_right: bool | None) -> None:
            self._take_back = None
            self.is_given = bool(is_right)
            answer(_VERDICTS[is_right])

        self._exchange = None
        self._take_back = self._authenticate(exchange.name, exchange.secret, checked)

    def take_back(self) -> None:
        """Nobody waits for the answer any more."""
        if self._take_back:
            self._take_back()
            self._take_back = None


_VERDICTS = {True: replies.AUTHENTICATED, False: replies.WRONG_CREDENTIALS, None: replies.AUTH_UNAVAILABLE}
