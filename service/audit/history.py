"""The history of a run, as a file: what was sent, when, and what was answered. Each line is written when it happens.

Knows nothing about what is right. A line is a JSON object with the event's name and `at`, seconds since the run began:

    begun       run (the first part of its tokens), servers, version of the format, date
    sent        token, server, mailboxes, octets, digest: MAIL is about to be said
    answered    token, code, text, is_complete: the answer to the end of the mail data, or the refusal of a command before it
    unanswered  token, why, is_complete: the connection ended first
    unreachable server, why
    stopping    no message is begun from now on
    ended       all is answered, or was given up

`is_complete` says whether the end of the mail data was sent: if it was not, no server may have taken the message.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from .letters import Letter

VERSION = 1
"""The version of the format that this writes, and the only one that it reads."""


class History:
    """A history that is being written, line by line. FileExistsError: the file is there already."""

    def __init__(self, path: Path, run: str, servers: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._file = path.open("xb", buffering=0)
        self._clock = clock
        self._began = clock()
        self.acknowledged = self.sent = self.refused = self.unanswered = 0
        date = datetime.now(UTC).isoformat(timespec="seconds")
        self._write("begun", run=run, servers=list(servers), version=VERSION, date=date)

    def _write(self, event: str, **fields: object) -> None:
        line = {"event": event, "at": round(self._clock() - self._began, 6), **fields}
        self._file.write(json.dumps(line).encode() + b"\n")

    def begin(self, letter: Letter, server: str) -> None:
        """A letter is about to be sent."""
        self.sent += 1
        octets = len(letter.content)
        self._write(
            "sent", token=letter.token, server=server, mailboxes=letter.mailboxes, octets=octets, digest=letter.digest
        )

    def answer(self, token: str, code: int, text: str, is_complete: bool) -> None:
        """A server has answered for a letter, with a reply code."""
        if is_complete and code < 300:
            self.acknowledged += 1
        else:
            self.refused += 1
        self._write("answered", token=token, code=code, text=text, is_complete=is_complete)

    def give_up(self, token: str, why: str, is_complete: bool) -> None:
        """No answer for a letter will come."""
        self.unanswered += 1
        self._write("unanswered", token=token, why=why, is_complete=is_complete)

    def miss(self, server: str, why: str) -> None:
        """A server could not be reached."""
        self._write("unreachable", server=server, why=why)

    def stop(self) -> None:
        """No letter is begun from now on."""
        self._write("stopping")

    def end(self) -> None:
        """Nothing more happens."""
        self._write("ended")
        self._file.close()


class Attempt(NamedTuple):
    """What a history says of a letter. `code` is None when nothing was answered, `answered` when nothing is known."""

    token: str
    server: str
    mailboxes: tuple[str, ...]
    digest: str
    sent: float
    code: int | None
    answered: float | None
    is_complete: bool


class Run(NamedTuple):
    """A history as it was read. `stopped` is when the last letter was begun at the latest, in seconds since it began."""

    name: str
    attempts: list[Attempt]
    stopped: float


def read(path: Path) -> Run:
    """Reads a history. A last line that was cut short is left out. Raises OSError, or ValueError: what is wrong where."""
    name, stopped, attempts = "", None, {}
    last = 0.0
    for number, line in enumerate(_lines(path), 1):
        try:
            event = json.loads(line)
            kind, last = event["event"], float(event["at"])
            if kind == "begun":
                name = _run(event)
            elif kind == "sent":
                attempts[event["token"]] = _begun(event)
            elif kind in ("answered", "unanswered"):
                attempts[event["token"]] = _concluded(attempts[event["token"]], event)
            elif kind == "stopping":
                stopped = last
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}:{number}: this is no line of a history: {_why(error)}") from error
    if not name:
        raise ValueError(f"{path}: this is no history: its first line is missing")
    return Run(name, list(attempts.values()), last if stopped is None else stopped)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def _run(event: dict[str, Any]) -> str:
    if event["version"] != VERSION:
        raise ValueError(f"it has version {event['version']}, and this program reads version {VERSION}")
    return str(event["run"])


def _begun(event: dict[str, Any]) -> Attempt:
    return Attempt(
        event["token"], event["server"], tuple(event["mailboxes"]), event["digest"], event["at"], None, None, True
    )


def _concluded(attempt: Attempt, event: dict[str, Any]) -> Attempt:
    return attempt._replace(code=event.get("code"), answered=event["at"], is_complete=event["is_complete"])


def _why(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
