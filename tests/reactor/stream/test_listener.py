"""A name may have several addresses: the server listens on all of them."""

import errno
import os
import re
import signal
import socket
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from reactor.stream.listener import ListenError, listening

from ...kit.server import Server
from ...kit.support import wait_until

INET, INET6, STREAM = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM


def resolve_to(monkeypatch: pytest.MonkeyPatch, *found: tuple[Any, ...]) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(family, STREAM, 6, "", place) for family, place in found])


BOTH = ((INET6, ("::1", 0, 0, 0)), (INET, ("127.0.0.1", 0)), (INET, ("127.0.0.1", 0)))


@pytest.mark.parametrize("count", [1, 3])
def test_all_addresses_of_a_name_have_the_same_port(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    resolve_to(monkeypatch, *BOTH)
    found = listening("localhost", 0, count)
    assert [socks[0].getsockname()[0] for socks in found] == ["::1", "127.0.0.1"], "each once, the first one first"
    assert len({sock.getsockname()[1] for socks in found for sock in socks}) == 1
    assert [len(socks) for socks in found] == [count] * 2
    for socks in found:
        with closing(socket.socket(socks[0].family)) as client:
            client.connect(socks[0].getsockname())
        for sock in socks:
            sock.close()


def test_an_address_that_this_machine_has_not_is_left_out_if_there_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, (INET6, ("2001:db8::1", 0, 0, 0)), BOTH[1])
    (socks,) = listening("mx.test", 0)
    assert socks[0].getsockname()[0] == "127.0.0.1"
    socks[0].close()
    resolve_to(monkeypatch, (INET6, ("2001:db8::1", 0, 0, 0)))
    with pytest.raises(ListenError, match=r"mx\.test:0: Cannot assign requested address: choose an address of this machine"):
        listening("mx.test", 0)


def test_an_address_that_is_taken_is_an_error_whatever_the_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        resolve_to(monkeypatch, *((family, (place[0], port, *place[2:])) for family, place in BOTH))
        with pytest.raises(ListenError, match=r"Address already in use: end the program .*, or choose another with --pop3$"):
            listening("localhost", port, flag="--pop3")
        with closing(socket.create_server(("::1", port), family=INET6)):
            pass  # it was given back


def test_a_port_that_is_taken_on_the_second_address_is_picked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, *BOTH)
    real, failures = socket.socket.bind, iter([True])

    def bind(sock: socket.socket, address: Any) -> None:
        if sock.family == INET and next(failures, False):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        real(sock, address)

    monkeypatch.setattr(socket.socket, "bind", bind)
    found = listening("localhost", 0)
    assert len({sock.getsockname()[1] for socks in found for sock in socks}) == 1 and len(found) == 2
    for (sock,) in found:
        sock.close()


# Signals while the server begins


def test_sighup_waits_until_the_server_has_begun(tmp_path: Path) -> None:
    """It comes as soon as the program has had the time to say that it is to wait, while a long users file is read."""
    users = [f"user{number}" for number in range(300_000)]
    hung_up = threading.Event()

    def hang_up() -> None:
        end = time.monotonic() + 20
        while not hung_up.is_set() and time.monotonic() < end:
            for status in Path("/proc").glob("[0-9]*/status"):
                with suppress(OSError):
                    is_it = str(tmp_path).encode() in status.with_name("cmdline").read_bytes()
                    blocked = re.search(r"SigBlk:\t([0-9a-f]+)", status.read_text())
                    if is_it and blocked and int(blocked[1], 16) & 1 << signal.SIGHUP - 1:
                        os.kill(int(status.parent.name), signal.SIGHUP)
                        hung_up.set()

    thread = threading.Thread(target=hang_up)
    thread.start()
    with Server(tmp_path, users=users) as server:
        assert hung_up.is_set(), "before it listened"
        wait_until(lambda: "users file read again: 300000 names" in server.log)
        assert server.stop() == 0
    thread.join()
