"""The exchange by which a client proves who it is: the mechanisms PLAIN (RFC 4616) and LOGIN, in base64.

It does not know who exists.
"""

from base64 import b64encode

from . import replies
from .grammar import Auth, decoded
from .replies import Reply


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
            if len(parts) != 2 or not parts[0] or identity not in (b"", parts[0]):
                return replies.NOT_ENCODED
            self.name, self.secret = parts
        elif question == _NAME:
            self.name = answer
        else:
            self.secret = answer
        return None


_ALL, _NAME, _SECRET = b"", b"Username:", b"Password:"
_QUESTIONS = {b"PLAIN": (_ALL,), b"LOGIN": (_NAME, _SECRET)}
