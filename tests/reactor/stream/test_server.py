"""Listeners and limits: bursts, too many clients, no descriptors left, and the ends of a service."""

import errno
import os
import resource
import socket
from collections.abc import Iterator

import pytest

from reactor.loop import Reactor
from reactor.stream import listener as listening
from reactor.stream import server as serving
from reactor.stream.addresses import name, parse
from reactor.stream.conversation import Opener
from reactor.stream.listener import ListenError
from reactor.stream.server import Server

from ...kit.echo import Echo


class Service:
    """A server of Echos that turns when told to."""

    def __init__(self, max_connections: int = 10) -> None:
        self.reactor = Reactor()
        self.server = Server(self.reactor, max_connections, 300)
        self.opener: Opener = lambda _, wake: Echo(wake)
        self.address = parse(self.listen())
        self.clients: list[socket.socket] = []

    def listen(self, host: str = "127.0.0.1", port: int = 0) -> str:
        return self.server.listen(host, port, lambda peer, wake: self.opener(peer, wake), b"full\n")

    def connect(self) -> socket.socket:
        client = socket.create_connection(self.address, 5)
        self.clients.append(client)
        self.turns()
        return client

    def turns(self) -> None:
        for _ in range(3):
            self.reactor.call_later(0, lambda: None)
            self.reactor.turn()

    def run_for(self, seconds: float) -> None:
        self.reactor.call_later(seconds, self.reactor.stop)
        self.reactor.run()

    def close(self) -> None:
        self.server.close()
        for client in self.clients:
            client.close()
        self.reactor.close()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:25", "127.0.0.1", 25), ("[::1]:0", "::1", 0), ("localhost:65535", "localhost", 65535)],
)
def test_an_address_is_read_and_written(text: str, host: str, port: int) -> None:
    assert parse(text) == (host, port)
    assert name(host, port) == text


@pytest.mark.parametrize("text", ["", "25", ":25", "127.0.0.1", "127.0.0.1:", "::1:25", "x:-1", "[::1]", "x:٣"])
def test_what_is_no_address_is_explained(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT: write"):
        parse(text)


def test_a_port_out_of_range_is_explained() -> None:
    with pytest.raises(ValueError, match="'x:65536' has no port: ports are 0 to 65535"):
        parse("x:65536")


def test_a_burst_is_accepted_whole(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "ACCEPTS_A_TURN", 3)
    clients = [socket.create_connection(service.address, 5) for _ in range(8)]
    service.clients += clients
    service.turns()
    assert [client.recv(100) for client in clients] == [b"hi\n"] * 8


def test_one_too_many_is_told_and_closed_and_the_others_are_unharmed(service: Service) -> None:
    clients = [service.connect() for _ in range(10)]
    extra = service.connect()
    assert extra.makefile("rb").read() == b"full\n"
    for client in clients:
        assert client.recv(100) == b"hi\n"
    clients[0].close()
    service.turns()
    assert service.connect().recv(100) == b"hi\n"


def test_no_descriptors_left_is_a_pause_and_no_spin(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listening, "PAUSE", 0.05)
    first = service.connect()
    client = socket.create_connection(service.address, 5)
    service.clients.append(client)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")), hard))  # noqa: PTH208
    try:
        fill = []
        try:
            while True:
                fill.append(os.dup(0))
        except OSError as error:
            assert error.errno == errno.EMFILE
        service.turns()
        service.turns()
        assert caplog.text.count("no new connections for") == 1
        first.send(b"still here\n")
        service.turns()
        assert first.recv(100) == b"hi\nstill here\n"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in fill:
            os.close(descriptor)
    service.run_for(0.1)
    assert client.recv(100) == b"hi\n"


class Accepting:
    """A listening socket whose accept meets what the kernel may throw at it."""

    def __init__(self, real: socket.socket, errors: list[int]) -> None:
        self.real = real
        self.errors = errors

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        if self.errors:
            raise OSError(self.errors.pop(), "cannot accept")
        return self.real.accept()

    def fileno(self) -> int:
        return self.real.fileno()

    def close(self) -> None:
        self.real.close()


@pytest.mark.parametrize("error", [errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN])
def test_a_client_that_left_before_it_was_accepted_harms_nobody(service: Service, error: int) -> None:
    (listener,) = service.server._listeners
    listener._socket = Accepting(listener._socket, [error, error])  # type: ignore[assignment]
    assert service.connect().recv(100) == b"hi\n"


def test_closing_while_paused_is_closing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "PAUSE", 1.0)  # longer than a busy machine takes to look
    (listener,) = service.server._listeners
    listener._socket = Accepting(listener._socket, [errno.ENFILE])  # type: ignore[assignment]
    service.connect()
    assert listener._is_paused
    listener.close()
    service.run_for(1.1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(service.address, 1)


def test_an_address_that_cannot_be_had_is_one_line_of_advice(service: Service) -> None:
    host, port = service.address
    with pytest.raises(ListenError, match=rf"cannot listen on {host}:{port}: Address already in use: end the program that"):
        service.listen(host, port)
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1:0: .*: choose an address of this machine"):
        service.listen("192.0.2.1", 0)
    with pytest.raises(
        ListenError, match=r"cannot listen on no\.such\.host\.invalid:25: .*: choose an address of this machine"
    ):
        service.listen("no.such.host.invalid", 25)


def test_a_port_for_root_is_explained() -> None:
    assert "ports below 1024 are for root" in listening._advice(PermissionError(errno.EACCES, ""))


def test_ipv6_and_ipv4_have_their_own_sockets(service: Service) -> None:
    try:
        address = service.listen("::1", 0)
    except ListenError:
        pytest.skip("this machine has no IPv6")
    assert address.startswith("[::1]:")
    service.address = parse(address)
    assert service.connect().recv(100) == b"hi\n"


def test_draining_waits_for_the_conversations(service: Service) -> None:
    client = service.connect()
    drained: list[bool] = []
    service.server.drain(lambda: drained.append(True))
    service.turns()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(service.address, 1)
    assert client.recv(100) == b"hi\ngoing down\n" and not drained
    client.send(b"bye\n")
    service.turns()
    client.close()
    service.turns()
    assert drained == [True]


def test_draining_has_a_limit(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "DRAIN_LIMIT", 0.02)
    client = service.connect()
    service.server.drain(service.reactor.stop)
    service.reactor.run()
    assert client.makefile("rb").read() == b"hi\ngoing down\ngoing down\n"


def test_a_conversation_that_cannot_begin_costs_only_itself(caplog: pytest.LogCaptureFixture) -> None:
    service = Service()

    def fail(*_: object) -> Echo:
        raise ZeroDivisionError("a bug")

    good, service.opener = service.opener, fail
    assert service.connect().recv(100) == b""
    service.opener = good
    assert service.connect().recv(100) == b"hi\n"
    assert "a bug" in caplog.text
    service.close()


def test_open_files_are_allowed_as_far_as_the_system_allows(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    allowed = []
    for soft, hard in ((1024, 4096), (1024, 100_000), (1024, resource.RLIM_INFINITY), (50_000, 100_000), (20, 20)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limits=(soft, hard): limits)
        allowed.append(serving._allowed_connections(10_000))
    assert asked == [(4096, 4096), (10_064, 100_000), (10_064, resource.RLIM_INFINITY), (20, 20)]
    assert allowed == [4032, 10_000, 10_000, 10_000, 1]
    assert caplog.messages[0] == "open files are limited to 4096 here, so connections to 4032"


def test_who_speaks_before_it_is_accepted_is_told() -> None:
    service = Service()
    hurried: list[str] = []
    (sock,) = listening.listening("127.0.0.1", 0)[0]
    address = parse(service.server.listen_on(sock, lambda peer, wake: service.opener(peer, wake), hurried=hurried.append))
    try:
        silent, speaks, leaves = (socket.create_connection(address, 5) for _ in range(3))
        service.clients += [silent, speaks]
        speaks.sendall(b"hello\n")
        leaves.close()
        service.turns()
        assert hurried == [name(*speaks.getsockname())]
        assert speaks.recv(100).startswith(b"hi\n"), "it is served all the same"
    finally:
        service.close()
