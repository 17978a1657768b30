"""Authentication: the mechanisms PLAIN (RFC 4616) and LOGIN, in base64, and a name with its secret.

Knows nothing about which users exist, nor in what words a dialect answers.
"""

import re
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ..engine.actions import Outcome
from ..engine.environment import Authenticate, Report
from ..engine.events import Event
from ..engine.replies import Reply
from ..engine.shown import quoted

MECHANISMS = (b"PLAIN", b"LOGIN")

_AUTH = re.compile(rb"([A-Za-z0-9_-]{1,20})(?: +([A-Za-z0-9+/=]+))?")


class Auth(NamedTuple):
    """The argument of AUTH (RFC 4954 section 4): a mechanism, and the initial response, if there was one."""

    mechanism: bytes
    response: bytes | None


class Wording(NamedTuple):
    """The replies of a dialect, and what follows when a client has authenticated."""

    challenge: Reply
    """With a place for the question, in base64."""
    right: Outcome
    wrong: Reply
    unavailable: Reply
    cancelled: Reply
    not_encoded: Reply
    syntax: Reply
    unknown_mechanism: Reply


def decoded(text: bytes) -> bytes | None:
    """Decodes base64 (RFC 4648 section 4), strictly. None: the text is anything else."""
    try:
        return a2b_base64(text, strict_mode=True)
    except Error:
        return None


def parse_auth(text: bytes, wording: Wording) -> tuple[Event, Auth | Reply]:
    """Parses what stands behind AUTH (RFC 4954 section 4, RFC 5034 section 4).

    The event is PROOF if the line has all the mechanism needs, so that no challenge follows; else AUTH.
    """
    match = _AUTH.fullmatch(text)
    if match is None:
        return Event.AUTH, wording.syntax
    mechanism = match[1].upper()
    if mechanism not in MECHANISMS:
        return Event.AUTH, wording.unknown_mechanism
    response = None if match[2] is None else b"" if match[2] == b"=" else decoded(match[2])
    if response is None and match[2] is not None:
        return Event.AUTH, wording.not_encoded
    is_all = mechanism == b"PLAIN" and response is not None
    return Event.PROOF if is_all else Event.AUTH, Auth(mechanism, response)


class Exchange:
    """One attempt to authenticate. `name` and `secret` are complete when `is_missing` is false.

    A client may not act on behalf of another user (the authzid of RFC 4616 section 2), unless `accepts_any`.
    """

    __slots__ = ("_accepts_any", "_asked", "_wording", "name", "secret")

    def __init__(self, auth: Auth, accepts_any: bool, wording: Wording) -> None:
        self._accepts_any = accepts_any
        self._wording = wording
        self._asked = _QUESTIONS[auth.mechanism]
        self.name = self.secret = b""

    @classmethod
    def of(cls, name: bytes, secret: bytes, wording: Wording) -> "Exchange":
        """An attempt that is complete."""
        exchange = cls(Auth(b"", None), False, wording)
        exchange.name, exchange.secret = name, secret
        return exchange

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
        return self._wording.challenge.about(b64encode(self._asked[0]))

    def take_response(self, line: bytes) -> Reply | None:
        """Takes an answer in base64. Returns a reply if it is refused; the attempt is then over."""
        if line == b"*":
            return self._wording.cancelled
        answer = decoded(line)
        return self._wording.not_encoded if answer is None else self.take(answer)

    def take(self, answer: bytes) -> Reply | None:
        """Takes a decoded answer. Returns a reply if it is refused."""
        question, self._asked = self._asked[0], self._asked[1:]
        if question == _ALL:
            identity, *parts = answer.split(b"\0")
            if len(parts) != 2 or not parts[0]:
                return self._wording.not_encoded
            self.name, self.secret = parts
            if identity not in (b"", self.name) and not self._accepts_any:
                return self._wording.wrong
        elif question == _NAME:
            self.name = answer
        else:
            self.secret = answer
        return None


_ALL, _NAME, _SECRET = b"", b"Username:", b"Password:"
_QUESTIONS: dict[bytes, tuple[bytes, ...]] = {b"PLAIN": (_ALL,), b"LOGIN": (_NAME, _SECRET), b"": ()}


class Proof:
    """The name of a client that is authenticated, and its current attempt. Logs each result with the name, never the secret.

    Knows nothing about whether it is authenticated: the table says that.
    """

    __slots__ = ("_authenticate", "_exchange", "_report", "_take_back", "_wording", "name", "shown_name")

    def __init__(self, report: Report, wording: Wording) -> None:
        self._report = report
        self._wording = wording
        self._exchange: Exchange | None = None
        self._take_back: Callable[[], None] | None = None
        self.name = b""
        """The name that was proved last; or, where that failed, was tried last."""
        self.shown_name = ""
        """The same for the log."""

    def begin(self, auth: Auth, authenticate: Authenticate, accepts_any: bool) -> Outcome:
        """Starts an attempt. Sends a challenge, or checks the credentials if they are complete."""
        self._authenticate = authenticate
        self._exchange = exchange = Exchange(auth, accepts_any, self._wording)
        refusal = None if auth.response is None else exchange.take(auth.response)
        return self._refused(exchange, refusal) or self._go_on(exchange)

    def prove(self, name: bytes, secret: bytes, authenticate: Authenticate) -> Outcome:
        """Starts an attempt with a name and a secret, and checks them."""
        self._authenticate = authenticate
        return self._go_on(Exchange.of(name, secret, self._wording))

    def take_response(self, line: bytes) -> tuple[Event, Outcome]:
        """Takes the response to a challenge. The event is PROOF when the credentials are complete, else AUTH."""
        exchange = self._exchange
        assert exchange
        refusal = self._refused(exchange, exchange.take_response(line))
        return (Event.AUTH if refusal or exchange.is_missing else Event.PROOF), refusal or self._go_on(exchange)

    def _refused(self, exchange: Exchange, refusal: Reply | None) -> Reply | None:
        if refusal is self._wording.wrong:
            self._report("authentication as %s failed: on behalf of somebody else", exchange.shown_name)
        return refusal

    def _go_on(self, exchange: Exchange) -> Outcome:
        return exchange.challenge() if exchange.is_missing else partial(self._check, exchange)

    def _check(self, exchange: Exchange, answer: Callable[[Outcome], None]) -> None:
        def checked(is_right: bool | None) -> None:
            self._take_back = None
            self.name, self.shown_name = exchange.name, exchange.shown_name
            self._report(_WORDS[is_right], exchange.shown_name)
            wording = self._wording
            answer(wording.unavailable if is_right is None else wording.right if is_right else wording.wrong)

        self._exchange = None
        self._take_back = self._authenticate(exchange.name, exchange.secret, checked)

    def take_back(self) -> None:
        """Cancels a pending check."""
        if self._take_back:
            self._take_back()
            self._take_back = None


_WORDS = {
    True: "authenticated as %s",
    False: "authentication as %s failed",
    None: "authentication as %s failed: too many wait to be checked, or the check failed",
}
