"""HTTP/1.1 on a connection: requests in, responses out, one after another. h11 does the parsing.

Fulfils `reactor.stream.conversation.Conversation`. Knows nothing about what is asked for.
"""

import logging
from collections.abc import Callable
from enum import Enum
from http import HTTPStatus

import h11

from .request import Request, RequestError, target_of
from .response import Reply, Response, Stream, fitted, refusal

log = logging.getLogger("carteiro.web")

LONGEST_HEADER = 16 << 10
"""Octets of a request line and its header fields."""

LONGEST_BODY = 5 << 20
"""Octets of a request's body, unless the application allows more for its path."""

LONGEST_HEAD_WAIT = 20.0
"""Seconds in which a request must have come whole, after its first octet: slow ones keep a place from others."""

LONGEST_BODY_WAIT = 120.0
"""The same for one with a body."""

KEPT_ALIVE = 60.0
"""Seconds that a connection may be silent between requests."""

MOST_BEHIND = 1 << 20
"""Octets that a stream may be behind before it is left."""

MOST_AHEAD = 64 << 10
"""Octets of next requests that are taken while one waits for its answer: only so is it seen that a client leaves."""

Application = Callable[[Request, Reply], None]
"""Answers a request, now or later."""


class Phase(Enum):
    """Where a connection is."""

    IDLE = "no octet of a request has come"
    READING = "a request is coming"
    ANSWERING = "a request waits for its answer"
    WAITING = "the same, and somebody wants to know when the client leaves"
    STREAMING = "an answer without an end is going out"
    OVER = "nothing more is answered"


class HttpConnection:
    """The requests of one client. `longest_body` gives the limit for a path; `answered` hears of each answer's status."""

    is_behind = is_agreed = wants_tls = False
    interest = None

    def __init__(
        self,
        application: Application,
        peer: str,
        wake: Callable[[], None],
        clock: Callable[[], float],
        longest_body: Callable[[str], int] = lambda path: LONGEST_BODY,
        is_encrypted: bool = False,
        answered: Callable[[int], None] = lambda status: None,
    ) -> None:
        self._answered = answered
        self.outgoing = bytearray()
        self.farewell = ""
        self._application = application
        self._peer = peer
        self._wake = wake
        self._clock = clock
        self._longest_body = longest_body
        self._is_encrypted = is_encrypted
        self._http = h11.Connection(h11.SERVER, LONGEST_HEADER)
        self._phase = Phase.IDLE
        self._began = 0.0
        self._request: Request | None = None
        self._body = bytearray()
        self._exchange: _Exchange | None = None
        self._ahead = 0
        self._is_stopping = False

    # What the reactor asks

    @property
    def is_finished(self) -> bool:
        """True: the connection closes when `outgoing` is sent."""
        return self._phase is Phase.OVER

    @property
    def takes_input(self) -> bool:
        """Not while a request waits for its answer: the next ones wait in the kernel."""
        if self._phase is Phase.WAITING:
            return self._ahead < MOST_AHEAD
        return self._phase in (Phase.IDLE, Phase.READING, Phase.STREAMING)

    @property
    def patience(self) -> float:
        """Seconds of silence until `time_out`."""
        if self._phase is Phase.IDLE:
            return KEPT_ALIVE
        return LONGEST_HEAD_WAIT if self._phase is Phase.READING else 3600.0

    def open(self) -> None:
        """Does nothing: the client speaks first."""

    def secured(self) -> None:
        """Never called: TLS begins with the first octet, or not at all."""

    def resume(self) -> None:
        """An answer has come: goes on with the next request."""
        if self._phase in (Phase.IDLE, Phase.READING):
            self._read_on()

    def receive(self, data: bytes) -> None:
        """Takes octets of requests."""
        if self._phase is Phase.STREAMING:  # a client that watches a stream has nothing to say
            return
        if self._phase is Phase.WAITING:
            self._ahead += len(data)
            self._http.receive_data(data)
            return
        if self._phase is Phase.IDLE:
            self._phase, self._began = Phase.READING, self._clock()
        limit = LONGEST_BODY_WAIT if self._request else LONGEST_HEAD_WAIT
        if self._clock() - self._began > limit:
            self._refuse(408)
            return
        try:
            self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint)
            return
        self._read_on()

    def end_of_input(self) -> None:
        """The client sends no more. One that waits for an answer still gets it, but not a long wait: it has left."""
        if self._phase in (Phase.STREAMING, Phase.WAITING):
            self.hang_up()
            self._end("the client left")
        elif self._phase in (Phase.IDLE, Phase.READING):
            self._end("the client sends no more")
        else:
            self._is_stopping = True

    def time_out(self) -> None:
        """Ends a silent connection."""
        if self._phase is Phase.READING:
            self._refuse(408)
        else:
            self._end("silence")

    def shut_down(self, at_once: bool) -> None:
        """Ends when the request at hand is answered; streams end now."""
        self._is_stopping = True
        if self._phase is Phase.WAITING:
            self._refuse(503)
        elif at_once or self._phase is not Phase.ANSWERING:
            self.hang_up()
            self._end("the server stops")

    def break_down(self) -> None:
        """An exception of ours: 500."""
        self._refuse(500)

    def hang_up(self) -> None:
        """The connection is gone: whoever works for it is told."""
        if self._exchange:
            self._exchange.leave()
            self._exchange = None

    # Requests

    def _read_on(self) -> None:
        try:
            while self._phase in (Phase.IDLE, Phase.READING):
                event = self._http.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    if self._http.they_are_waiting_for_100_continue:
                        self._write(h11.InformationalResponse(status_code=100, headers=[]))
                    return
                self._take(event)
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint)
        except RequestError as error:
            self._refuse(error.status, str(error))

    def _take(self, event: h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]) -> None:
        match event:
            case h11.Request():
                self._phase = Phase.READING
                self._began = self._began or self._clock()
                self._request = self._request_of(event)
                self._body.clear()
            case h11.Data() if self._request:
                self._body += event.data
                if len(self._body) > self._longest_body(self._request.target.path):
                    raise RequestError(413, "the body is too large")
            case h11.EndOfMessage() if self._request:
                self._answer(self._request._replace(body=bytes(self._body)))
            case h11.ConnectionClosed():
                self._end("the client sends no more")

    def _request_of(self, event: h11.Request) -> Request:
        fields: dict[str, str] = {}
        octets = len(event.target) + sum(len(name) + len(value) for name, value in event.headers)
        if octets > LONGEST_HEADER:  # h11 measures only what comes in pieces
            raise RequestError(431, "the header is too large")
        for name, value in event.headers:
            key = name.decode("ascii")
            fields[key] = f"{fields[key]}, {value.decode('latin-1')}" if key in fields else value.decode("latin-1")
        if "transfer-encoding" in fields and "content-length" in fields:  # RFC 9112 section 6.3: it may be smuggling
            raise RequestError(400, "a body has one length")
        method = event.method.decode("ascii")
        return Request(method, target_of(event.target), fields, peer=self._peer, is_encrypted=self._is_encrypted)

    def _answer(self, request: Request) -> None:
        self._phase, self._body = Phase.ANSWERING, bytearray()
        exchange = self._exchange = _Exchange(self, request)
        try:
            self._application(request, exchange)
        except RequestError as error:
            exchange.respond(refusal(error.status, str(error)))
        except Exception:
            log.exception("%s: %s %s failed", self._peer, request.method, request.target.path)
            exchange.respond(refusal(500))

    # Responses

    def look_out(self) -> None:
        """From now on it is noticed when the client leaves."""
        self._phase = Phase.WAITING
        self._wake()

    def finish(self, request: Request, response: Response) -> None:
        """Sends a whole response, and goes on with the next request."""
        response = fitted(response, request)
        self._begin(response.status, response.type, response.fields, [("Content-Length", str(len(response.body)))])
        if request.method != "HEAD" and response.body:
            self._write(h11.Data(data=response.body))
        self._write(h11.EndOfMessage())
        log.debug("%s: %s %s: %d", self._peer, request.method, request.target.path, response.status)
        self._request = self._exchange = None
        self._ahead = 0
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE and not self._is_stopping:
            self._http.start_next_cycle()
            self._phase, self._began = Phase.IDLE, 0.0
        else:
            self._end("answered")
        self._wake()

    def begin_stream(self, type: str, fields: tuple[tuple[str, str], ...]) -> None:
        """Sends the header of a response without an end."""
        self._phase = Phase.STREAMING
        self._begin(200, type, fields, [("Connection", "close")])
        self._wake()

    def send(self, data: bytes) -> bool:
        """Sends more of the stream. A client that is too far behind is left."""
        if self._phase is not Phase.STREAMING:
            return False
        if len(self.outgoing) > MOST_BEHIND:
            self.outgoing.clear()
            self.hang_up()
            self._end("it does not read")
        else:
            self._write(h11.Data(data=data))
        self._wake()
        return self._phase is Phase.STREAMING

    def _begin(self, status: int, type: str, fields: tuple[tuple[str, str], ...], framing: list[tuple[str, str]]) -> None:
        self._answered(status)
        has_content = status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        given = [("Content-Type", type), *framing, *fields] if has_content else list(fields)
        if self._is_stopping:
            given.append(("Connection", "close"))
        headers = [(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in given]
        self._write(h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode()))

    def _write(self, event: h11.Event) -> None:
        self.outgoing += self._http.send(event) or b""

    def _refuse(self, status: int, why: str = "") -> None:
        """A request that cannot be read: what comes behind it cannot be, either."""
        self.hang_up()
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            response = refusal(status, why)
            framing = [("Content-Length", str(len(response.body))), ("Connection", "close")]
            self._begin(status, response.type, (), framing)
            self._write(h11.Data(data=response.body))
            self._write(h11.EndOfMessage())
        self._end(f"{status}")

    def _end(self, farewell: str) -> None:
        self._phase, self.farewell = Phase.OVER, farewell


class _Exchange:
    """One request's place for its answer. What comes after the client has left, or a second time, is dropped."""

    __slots__ = ("_connection", "_gone", "_request")

    def __init__(self, connection: HttpConnection, request: Request) -> None:
        self._connection: HttpConnection | None = connection
        self._request = request
        self._gone: Callable[[], None] = lambda: None

    def respond(self, response: Response) -> None:
        """Answers the request."""
        connection, self._connection = self._connection, None
        if connection:
            connection.finish(self._request, response)

    def stream(self, type: str, gone: Callable[[], None], fields: tuple[tuple[str, str], ...] = ()) -> Stream:
        """Answers it without an end."""
        if self._connection:
            self._gone = gone
            self._connection.begin_stream(type, fields)
        else:
            gone()
        return self

    def left(self, gone: Callable[[], None]) -> None:
        """Asks to be told when the client leaves."""
        if self._connection:
            self._gone = gone
            self._connection.look_out()
        else:
            gone()

    def send(self, data: bytes) -> bool:
        """Sends more of a stream."""
        return self._connection.send(data) if self._connection else False

    def leave(self) -> None:
        """The client is gone."""
        self._connection = None
        self._gone()
