"""The process that opens messages: it reads one at a time, and may be killed while it does.

Arguments: the mail directory, and the kind of its mailboxes (see `kinds.kind_of`). A request is a line of JSON on standard
input, `{"what": "mail", "id": ..., "places": [[mailbox, place], ...], "part": ...}`; `what` is `mail`, `part` or `octets`.
The answer is a line of JSON on standard output, `{"status": "ok", "length": N, ...}`, and N octets. The status is `moved` if
none of the places has the message, `away` if the database does not answer, or a disk fails, and `missing` if the message has
no such part. It ends when its input does.
"""

import json
import logging
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from inbox.mime.envelope import mail_of_entry, without_separator
from inbox.mime.identity import identity
from inbox.mime.message import Message, message
from inbox.mime.shown import mail_of, type_of
from reactor.logs import log_as, log_to
from storage.mailboxes.reading import Reader

from ..kinds import kind_of

log = logging.getLogger("carteiro")

ROOM = 600 << 20
"""Octets of address space of the process."""

FETCHING = 5.0
"""Seconds in which the octets of a message must be there. It is less than who asks waits for."""

Answer = tuple[dict[str, Any], bytes]
"""Its first line but for the length, and its octets."""


def main() -> int:
    """Answers requests until standard input ends; returns the exit code."""
    log_to(2, logging.INFO)
    log_as("opening")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, is_too_slow)
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    opening = Opening(kind_of(*sys.argv[2:]).reader(Path(sys.argv[1])))
    for line in sys.stdin.buffer:
        head, body = opening.answer(json.loads(line))
        sys.stdout.buffer.write(json.dumps({**head, "length": len(body)}).encode() + b"\n")
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    return 0


class Opening:
    """Opens messages, and remembers the last one: whoever looks at a message asks for its pictures one by one."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._fault = ""
        """Why messages could not be read, if they could not: said once."""
        self._asked: object = None
        self._octets: bytes | None = None
        self._message: Message | None = None
        self._mail = b""

    def answer(self, request: dict[str, Any]) -> Answer:
        """The answer to a request."""
        if not self._has_found(request["id"], request["places"]):
            return {"status": "away"}, b""
        if self._octets is None:
            return {"status": "moved"}, b""
        if request["what"] == "octets":
            return {"status": "ok"}, without_separator(self._octets)
        try:
            return self._read(self._octets, request)
        except (MemoryError, RecursionError) as error:
            log.warning("message %s cannot be read: %s", request["id"], type(error).__name__)
        except Exception:
            log.exception("message %s cannot be read", request["id"])
        self._forget()
        return {"status": "unread"}, b""

    def _has_found(self, id: str, places: list[list[str]]) -> bool:
        """Reads the octets of a message, unless they are the last ones: whatever has become of the mailbox, they are its.

        False if that cannot be done now.
        """
        if (id, places) == self._asked:
            return True
        self._forget()
        try:
            with _limited():
                self._octets = _octets(self._reader, id, places)
        except OSError as error:  # the page asks again and again
            if str(error) != self._fault:
                log.warning("messages cannot be read now: %s", error)
            self._fault = str(error)
            return False
        self._fault = ""
        self._asked = (id, places) if self._octets is not None else None
        return True

    def _forget(self) -> None:
        self._asked = self._octets = self._message = None
        self._mail = b""

    def _read(self, octets: bytes, request: dict[str, Any]) -> Answer:
        self._message = self._message or message(octets)
        if request["what"] == "mail":
            self._mail = self._mail or json.dumps(mail_of(self._message), ensure_ascii=False).encode("utf-8", "replace")
            return {"status": "ok"}, self._mail
        part = self._message.part(request["part"])
        if part is None:
            return {"status": "missing"}, b""
        said = {"type": type_of(part), "charset": part.parameters.get("charset", ""), "file_name": part.file_name}
        return {"status": "ok", **said}, self._message.content(part)


@contextmanager
def _limited() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_REAL, FETCHING)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def is_too_slow(signum: int, frame: FrameType | None) -> None:
    """Raises TimeoutError, as a handler of SIGALRM."""
    raise TimeoutError("no answer in time")


def _octets(reader: Reader, id: str, places: list[list[str]]) -> bytes | None:
    """The octets of a message, from the first place where they are its own."""
    for mailbox, place in places:
        octets = reader.read(mailbox, place)
        if octets is not None:
            octets = octets if reader.has_names else mail_of_entry(octets)
            if identity(octets) == id:
                return octets
    return None
