"""Streams of server-sent events (HTML, 9.2): how they are written, kept alive, counted, and forgotten.

Knows nothing about what is told.
"""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

from .environment import CallLater, Timer
from .operation import EVENTS
from .request import Request, RequestError
from .response import Reply, Response, Stream

HEARTBEAT = 15.0
"""Seconds between two signs of life: they keep proxies from closing the connection, and find clients that are gone."""

MOST_STREAMS = 100
"""Streams at once."""

RETRY = 2_000
"""Milliseconds after which a browser connects again."""

_FIELDS = (("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))


class EventStream:
    """The events of one client."""

    def __init__(self, call_later: CallLater, ended: Callable[[], None]) -> None:
        self._call_later = call_later
        self._ended: Callable[[], None] | None = ended
        self._stream: Stream | None = None
        self._timer: Timer | None = None
        self._numbers = count(1)

    def begin(self, reply: Reply) -> None:
        """Begins the response."""
        self._stream = reply.stream(EVENTS, self.end, _FIELDS)
        self._write(f"retry: {RETRY}\n\n")
        self._beat_later()

    def send(self, event: str, data: Any) -> None:
        """Sends an event; without a name it is a `message`. Its number lets a browser say what it has seen."""
        name = f"event: {event}\n" if event else ""
        encoded = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        self._write(f"{name}id: {next(self._numbers)}\ndata: {encoded}\n\n")

    def end(self) -> None:
        """The client is gone."""
        ended, self._ended = self._ended, None
        if self._timer:
            self._timer.cancel()
        if ended:
            ended()

    def _write(self, text: str) -> None:
        if self._ended and self._stream and not self._stream.send(text.encode("utf-8", "replace")):
            self.end()

    def _beat(self) -> None:
        self._write(":\n\n")
        self._beat_later()

    def _beat_later(self) -> None:
        if self._ended:
            self._timer = self._call_later(HEARTBEAT, self._beat)


class Streams:
    """All streams; no more than MOST_STREAMS."""

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._count = 0

    def open(self, request: Request, reply: Reply, follow: Callable[[EventStream], Callable[[], None]]) -> None:
        """Begins a stream; `follow` is called with it, and returns what is to be called at its end. Raises RequestError."""
        if request.method == "HEAD":
            reply.respond(Response(type=EVENTS))
            return
        if self._count >= MOST_STREAMS:
            raise RequestError(503, f"there are {MOST_STREAMS} streams already")
        self._count += 1
        forget: Callable[[], None] | None = None
        has_ended = False

        def ended() -> None:
            nonlocal has_ended
            has_ended = True
            self._count -= 1
            if forget:
                forget()

        stream = EventStream(self._call_later, ended)
        stream.begin(reply)
        if not has_ended:
            forget = follow(stream)
            if has_ended:
                forget()
