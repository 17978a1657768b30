"""Authentication: the mechanisms PLAIN (RFC 4616) and LOGIN, in base64.

Knows nothing about which users exist.
"""

from base64 import b64encode
from collections.abc import Callable
from functools import partial

from ..engine import replies
from ..engine.actions import Outcome
from ..engine.environment import Authenticate, Report
from ..engine.replies import Reply
from ..engine.shown import quoted
from ..engine.table import Event
from .grammar import Auth, decoded


class Exchange:
    """One attempt to authenticate. `name` and `secret` are complete when `is_missing` is false.

    A client may not act on behalf of another user (the authzid of RFC 4616 section 2), unless `accepts_any`.
    """

    __slots__ = ("_accepts_any", "_asked", "name", "secret")

    def __init__(self, auth: Auth, accepts_any: bool) -> None:
        self._accepts_any = accepts_any
        self._asked = _QUESTIONS[auth.mechanism]
        self.name = self.secret = b""

    @property
    def shown_name(self) -> str:
        """The name for the log. Hidden if it equals the secret, which was then typed into the wrong field."""
        return "..." if self.name == self.secret else quoted(self.name)

    @property
    def is_missing(self) -> bool:
        """Whether the client still has to be asked for something."""
        return bool(self._asked)

    def challenge(self) -> Reply:
        """The reply that asks for the next answer."""
        return replies.CHALLENGE.about(b64encode(self._asked[0]))

    def take_response(self, line: bytes) -> Reply | None:
        """Takes an answer in base64. Returns a reply if it is refused; the attempt is then over."""
        if line == b"*":
            return replies.AUTH_CANCELLED
        answer = decoded(line)
        return answer if isinstance(answer, Reply) else self.take(answer)

    def take(self, answer: bytes) -> Reply | None:
        """Takes a decoded answer. Returns a reply if it is refused."""
        question, self._asked = self._asked[0], self._asked[1:]
        if question == _ALL:
            identity, *parts = answer.split(b"\0")
            if len(parts) != 2 or not parts[0]:
                return replies.NOT_ENCODED
            self.name, self.secret = parts
            if identity not in (b"", self.name) and not self._accepts_any:
                return replies.WRONG_CREDENTIALS
        elif question == _NAME:
            self.name = answer
        else:
            self.secret = answer
        return None


_ALL, _NAME, _SECRET = b"", b"Username:", b"Password:"
_QUESTIONS = {b"PLAIN": (_ALL,), b"LOGIN": (_NAME, _SECRET)}


class Proof:
    """Whether a client is authenticated, and its current attempt. Logs each result with the name, never the secret."""

    __slots__ = ("_authenticate", "_exchange", "_report", "_take_back", "is_given", "shown_name")

    def __init__(self, report: Report) -> None:
        self._report = report
        self._exchange: Exchange | None = None
        self._take_back: Callable[[], None] | None = None
        self.is_given = False
        self.shown_name = ""
        """The authenticated name, for the log; valid while `is_given`."""

    def begin(self, auth: Auth, authenticate: Authenticate, accepts_any: bool) -> Outcome:
        """Starts an attempt. Sends a challenge, or checks the credentials if they are complete."""
        self._authenticate = authenticate
        self._exchange = exchange = Exchange(auth, accepts_any)
        refusal = None if auth.response is None else exchange.take(auth.response)
        return self._refused(exchange, refusal) or self._go_on(exchange)

    def take_response(self, line: bytes) -> tuple[Event, Outcome]:
        """Takes the response to a challenge. The event is PROOF when the credentials are complete, else AUTH."""
        exchange = self._exchange
        assert exchange
        refusal = self._refused(exchange, exchange.take_response(line))
        return (Event.AUTH if refusal or exchange.is_missing else Event.PROOF), refusal or self._go_on(exchange)

    def _refused(self, exchange: Exchange, refusal: Reply | None) -> Reply | None:
        if refusal is replies.WRONG_CREDENTIALS:
            self._report("authentication as %s failed: on behalf of somebody else", exchange.shown_name)
        return refusal

    def _go_on(self, exchange: Exchange) -> Outcome:
        return exchange.challenge() if exchange.is_missing else partial(self._check, exchange)

    def _check(self, exchange: Exchange, answer: Callable[[Reply], None]) -> None:
        def checked(is_right: bool | None) -> None:
            self._take_back = None
            self.is_given = bool(is_right)
            self.shown_name = exchange.shown_name
            self._report(_WORDS[is_right], exchange.shown_name)
            answer(_VERDICTS[is_right])

        self._exchange = None
        self._take_back = self._authenticate(exchange.name, exchange.secret, checked)

    def take_back(self) -> None:
        """Cancels a pending check."""
        if self._take_back:
            self._take_back()
            self._take_back = None


_VERDICTS = {True: replies.AUTHENTICATED, False: replies.WRONG_CREDENTIALS, None: replies.AUTH_UNAVAILABLE}
_WORDS = {
    True: "authenticated as %s",
    False: "authentication as %s failed",
    None: "authentication as %s failed: too many wait to be checked, or the check failed",
}
