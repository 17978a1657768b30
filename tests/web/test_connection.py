"""HTTP on a connection: bytes in, bytes out. What a client sends, and how, ends nobody's connection but its own."""

import json
from collections.abc import Callable

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import connection
from web.connection import KEPT_ALIVE, LONGEST_BODY_WAIT, LONGEST_HEAD_WAIT, LONGEST_HEADER, HttpConnection
from web.request import Request, RequestError
from web.response import Reply, Response, Stream, data

GET = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b"


class World:
    """A connection, and an application that answers at once, later, without end, or wrongly."""

    def __init__(self) -> None:
        self.now = 100.0
        self.woken = 0
        self.requests: list[Request] = []
        self.waiting: list[Reply] = []
        self.streams: list[Stream] = []
        self.gone = 0
        self.http = HttpConnection(self.answer, "client", self.wake, lambda: self.now, lambda path: 1000)

    def wake(self) -> None:
        self.woken += 1

    def left(self) -> None:
        self.gone += 1

    def answer(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        match request.target.path:
            case "/later":
                self.waiting.append(reply)
            case "/watched":
                reply.left(self.left)
                self.waiting.append(reply)
            case "/stream":
                self.streams.append(reply.stream("text/event-stream", self.left))
            case "/wrong":
                raise RequestError(422, "that is wrong")
            case "/bug":
                raise KeyError("ours")
            case "/large":
                reply.respond(Response(b"0123456789" * 1000, "text/plain", may_be_cut=True))
            case _:
                reply.respond(data([request.method, request.target.path, len(request.body)]))

    def send(self, octets: bytes, at_a_time: int = 0) -> None:
        """The client sends, perhaps a few octets at a time; the connection takes them as the reactor would."""
        step = at_a_time or len(octets) or 1
        for at in range(0, len(octets), step):
            if self.http.is_finished:
                return
            self.http.receive(octets[at : at + step])
            self.http.resume()

    def responses(self) -> list[tuple[int, bytes]]:
        """What the client has got: codes and bodies."""
        client = h11.Connection(h11.CLIENT)
        octets, found = bytes(self.http.outgoing), []
        for method in [request.method for request in self.requests] or ["GET"]:
            client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
            client.send(h11.EndOfMessage())
            client.receive_data(octets)
            octets = b""
            code, body = 0, b""
            while True:
                event = client.next_event()
                if isinstance(event, h11.Response):
                    code = event.status_code
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif not isinstance(event, h11.InformationalResponse):
                    break
            if code:
                found.append((code, body))
            if client.our_state is not h11.DONE or client.their_state is not h11.DONE:
                break
            client.start_next_cycle()
        return found


@given(st.integers(1, 40))
def test_however_it_is_cut_a_request_is_answered_the_same(at_a_time: int) -> None:
    world = World()
    world.send(GET % b"/a" + POST % (5, b"hello") + b"HEAD /b HTTP/1.1\r\nHost: localhost\r\n\r\n", at_a_time)
    assert [request.method for request in world.requests] == ["GET", "POST", "HEAD"]
    codes = world.responses()
    assert codes[:2] == [(200, b'["GET","/a",0]'), (200, b'["POST","/echo",5]')] and codes[2] == (200, b"")
    assert not world.http.is_finished and world.http.patience == KEPT_ALIVE


def test_requests_behind_one_that_waits_wait_too() -> None:
    world = World()
    world.send(GET % b"/later" + GET % b"/next")
    assert not world.http.takes_input and [request.target.path for request in world.requests] == ["/later"]
    world.waiting[0].respond(data("now"))
    world.http.resume()
    assert world.responses() == [(200, b'"now"'), (200, b'["GET","/next",0]')]
    world.waiting[0].respond(data("again"))
    assert len(world.responses()) == 2, "what comes a second time is dropped"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET % b"/s",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b: c\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
    ],
)  # fmt: skip
def test_what_may_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_answered(request_: bytes) -> None:
    world = World()
    world.send(request_ + GET % b"/behind")
    assert world.http.is_finished
    assert all(code >= 400 for code, _ in world.responses() if world.http.outgoing)
    assert "/behind" not in [request.target.path for request in world.requests]
    assert "/s" not in [request.target.path for request in world.requests]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (GET % (b"/" + b"x" * LONGEST_HEADER), 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * LONGEST_HEADER, 431),
        (POST % (1001, b"x" * 1001), 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" + b"x" * 4096, 413),
        (GET % b"http://elsewhere/", 400),
        (GET % b"/../etc/passwd", 404),
        (GET % b"/%2e%2e/etc", 404),
        (GET % b"/a%2fb", 404),
        (GET % b"/%00", 404),
        (GET % b"/%ff", 400),
        (GET % b"/?", 200),
        (GET % (b"/?" + b"a=b&" * 500), 400),
        (GET % b"/wrong", 422),
        (GET % b"/bug", 500),
    ],
)  # fmt: skip
def test_each_bound_and_mistake_has_its_code(sent: bytes, code: int, caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.send(sent)
    assert world.http.outgoing.startswith(b"HTTP/1.1 %d " % code)
    assert b"Traceback" not in world.http.outgoing
    assert ("Traceback" in caplog.text or "KeyError" in caplog.text) == (code == 500)


@pytest.mark.parametrize(
    ("sent", "wait"),
    [
        (b"GET / HTTP/1.1\r\nHo", LONGEST_HEAD_WAIT),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n", LONGEST_BODY_WAIT),
    ],
)
def test_slow_clients_are_left(sent: bytes, wait: float) -> None:
    world = World()
    world.send(sent)
    assert world.http.patience == LONGEST_HEAD_WAIT
    world.now += wait - 1
    world.send(b"x")
    assert not world.http.is_finished
    world.now += 2
    world.send(b"x")
    assert world.http.is_finished and world.http.outgoing.startswith(b"HTTP/1.1 408 ")


def test_a_silent_client_is_left_without_a_word_between_requests_and_with_a_408_within_one() -> None:
    world = World()
    world.http.time_out()
    assert world.http.is_finished and not world.http.outgoing
    world = World()
    world.send(b"GET / HT")
    world.http.time_out()
    assert world.http.outgoing.startswith(b"HTTP/1.1 408 ")


def test_half_closed_clients_still_get_their_answer() -> None:
    world = World()
    world.send(GET % b"/later")
    world.http.end_of_input()
    assert not world.http.is_finished
    world.waiting[0].respond(data("here"))
    assert world.http.is_finished and world.responses() == [(200, b'"here"')]


def hang_up(world: World) -> None:
    world.http.hang_up()


def half_close(world: World) -> None:
    world.http.end_of_input()


@pytest.mark.parametrize("leave", [hang_up, half_close])
@pytest.mark.parametrize("path", [b"/watched", b"/stream"])
def test_it_is_noticed_when_a_client_that_waits_leaves(leave: Callable[[World], None], path: bytes) -> None:
    world = World()
    world.send(GET % path)
    assert world.http.takes_input, "so it is seen when it leaves"
    leave(world)
    assert world.gone == 1
    for reply in world.waiting:
        reply.respond(data("too late"))
    assert all(not stream.send(b"x") for stream in world.streams)


def test_a_stream_goes_on_and_one_that_is_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_BEHIND", 1000)
    world = World()
    world.send(GET % b"/stream")
    (stream,) = world.streams
    assert stream.send(b"event: a\n\n") and b"event: a" in world.http.outgoing
    world.send(GET % b"/behind")
    assert len(world.requests) == 1
    while stream.send(b"x" * 100):
        assert len(world.http.outgoing) < 2000
    assert world.gone == 1 and world.http.is_finished and len(world.http.outgoing) < 100


@pytest.mark.parametrize("at_once", [True, False])
def test_a_shut_down_lets_an_answer_go_out(at_once: bool) -> None:
    for path, is_over in ((b"/a", True), (b"/later", at_once), (b"/stream", True), (b"/watched", True)):
        world = World()
        world.send(GET % path)
        world.http.shut_down(at_once)
        assert world.http.is_finished == is_over
        if not is_over:
            world.waiting[0].respond(data("last"))
            assert world.http.is_finished and world.responses() == [(200, b'"last"')]


def test_100_continue() -> None:
    world = World()
    world.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert world.http.outgoing.startswith(b"HTTP/1.1 100 ")
    world.send(b"hello")
    assert world.http.outgoing.endswith(b'["POST","/echo",5]')


@pytest.mark.parametrize(
    ("wanted", "code", "body", "range_"),
    [
        ("bytes=0-9", 206, b"0123456789", "bytes 0-9/10000"),
        ("bytes=9995-", 206, b"56789", "bytes 9995-9999/10000"),
        ("bytes=-3", 206, b"789", "bytes 9997-9999/10000"),
        ("bytes=9999-20000", 206, b"9", "bytes 9999-9999/10000"),
        ("bytes=10000-", 416, None, "bytes */10000"),
        ("bytes=5-2", 416, None, "bytes */10000"),
        ("bytes=-", 200, b"0123456789" * 1000, None),
        ("bytes=0-1,5-6", 200, b"0123456789" * 1000, None),
        ("lines=0-1", 200, b"0123456789" * 1000, None),
    ],
)
def test_ranges(wanted: str, code: int, body: bytes | None, range_: str | None) -> None:
    world = World()
    world.send(f"GET /large HTTP/1.1\r\nHost: localhost\r\nRange: {wanted}\r\n\r\n".encode())
    ((found, octets),) = world.responses()
    assert found == code and body in (None, octets)
    assert ((range_ or "").encode() in world.http.outgoing) and (b"Accept-Ranges: bytes" in world.http.outgoing) == (
        code != 416
    )


def test_text_is_compressed_where_that_pays() -> None:
    world = World()
    world.send(b"GET /large HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br, gzip\r\n\r\n")
    assert b"Content-Encoding: gzip" in world.http.outgoing and len(world.http.outgoing) < 500
    world = World()
    world.send(b"GET /small HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n")
    assert b"Content-Encoding" not in world.http.outgoing and json.loads(world.responses()[0][1]) == ["GET", "/small", 0]


PIECES = [b"GET ", b"/", b" HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n", b"Content-Length: 3\r\n"]


@given(st.lists(st.binary(max_size=30) | st.sampled_from(PIECES), max_size=20))
def test_noise_never_breaks_it(pieces: list[bytes]) -> None:
    world = World()
    for piece in pieces:
        world.send(piece)
    assert b" 500 " not in world.http.outgoing[:20]
