"""The health check: it holds a short dialogue with either dialect, delivers nothing, and always ends in time."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.check import check

from ..kit.support import ROOT
from ..kit.threads import meanwhile
from .world import options_of, port_of, service_of


@pytest.mark.parametrize("flags", [(), ("--dialect", "esmtp"), ("--dialect", "esmtp", "--require-auth", "--auth-accept-any",
                                                               "--auth-allow-insecure")])  # fmt: skip
def test_either_dialect_is_well_and_nothing_is_delivered(
    tmp_path: Path, flags: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    options = options_of(tmp_path, *flags)
    service, (listener,) = service_of(options)
    found = []

    def client() -> None:
        try:
            found.append(check("127.0.0.1", port_of(listener)))
            found.append(check("localhost", port_of(listener)))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with meanwhile(client):
        service.run()
    assert found[0][0] and found[1][0]
    assert found[0][1].startswith(f"127.0.0.1:{found[0][1].split(':')[1]}: ok: 220 carteiro.example ")
    assert [path.name for path in options.mail_dir.iterdir()] == [".journal"]
    assert "Traceback" not in caplog.text


@contextmanager
def server(
    talk: Callable[[socket.socket], object], family: socket.AddressFamily = socket.AF_INET
) -> Iterator[tuple[str, int]]:
    """A server for one client, which does as the test says."""
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    with socket.create_server((host, 0), family=family) as listener:

        def serve() -> None:
            client = listener.accept()[0]
            with client:
                client.settimeout(5)
                talk(client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield host, listener.getsockname()[1]
        thread.join(5)


def script(*replies: bytes) -> Callable[[socket.socket], None]:
    """Answers with these, one after each line of the client; then closes."""

    def talk(client: socket.socket) -> None:
        lines = client.makefile("rb")
        for number, reply in enumerate(replies):
            client.sendall(reply)
            heard.append(lines.readline() if number < len(replies) - 1 else b"")

    heard: list[bytes] = []
    talk.heard = heard  # type: ignore[attr-defined]
    return talk


ESMTP = (b"220 x ESMTP\r\n", b"250-x\r\n250-SIZE\r\n250 HELP\r\n", b"250 ok\r\n", b"221\r\n")


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        (ESMTP, [b"EHLO localhost\r\n", b"NOOP\r\n", b"QUIT\r\n"]),
        ((b"220-many\r\n220-lines\n220 x ESMTP\r\n", *ESMTP[1:]), [b"EHLO localhost\r\n", b"NOOP\r\n", b"QUIT\r\n"]),
        ((b"220 x SMTP\r\n", b"250 x\r\n", b"221 bye\r\n"), [b"HELO localhost\r\n", b"QUIT\r\n"]),
        ((b"220 x SMTP\r\n", b"250 x\r\n", b"500 no\r\n"), [b"HELO localhost\r\n", b"QUIT\r\n"]),
        (
            (b"220 ESMTP, or not\r\n", b"502 no\r\n", b"250 x\r\n", b"221 bye\r\n"),
            [b"EHLO localhost\r\n", b"HELO localhost\r\n", b"QUIT\r\n"],
        ),
    ],
)
def test_what_is_said_to_servers_of_any_make(replies: tuple[bytes, ...], said: list[bytes]) -> None:
    talk = script(*replies)
    with server(talk) as (host, port):
        is_well, words = check(host, port)
    assert is_well, words
    assert talk.heard[:-1] == said  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ((b"421 x too many\x1b[2J\r\n",), r"connecting was answered by 421 x too many\x1b[2J"),
        ((b"554 no\r\n",), "connecting was answered by 554 no"),
        ((b"220 x ESMTP\r\n", b"421 going\r\n"), "EHLO localhost was answered by 421 going"),
        ((*ESMTP[:2], b"421 going\r\n"), "NOOP was answered by 421 going"),
        ((*ESMTP[:3], b"500 no\r\n"), "QUIT was answered by 500 no"),
        ((b"220 x\r\n", b"550 no\r\n"), "HELO localhost was answered by 550 no"),
        ((b"",), "it closed the connection after connecting"),
        ((b"220 x ESMTP\r\n", b"250-half\r\n"), "it closed the connection after EHLO localhost"),
        ((b"HTTP/1.0 400 Bad Request\r\n",), "no reply of a mail server: HTTP/1.0 400 Bad Request"),
        ((b"220-" + b"x" * 20_000,), "too long a reply to connecting: 220-xxx"),
        ((b"2200 x\r\n" * 3000,), "too long a reply to connecting: 2200 x"),
    ],
)
def test_a_server_that_is_not_well_is_described_in_a_line(replies: tuple[bytes, ...], words: str) -> None:
    with server(script(*replies)) as (host, port):
        is_well, said = check(host, port)
    assert not is_well and said.startswith(f"{host}:{port}: {words}") and said.isprintable() and len(said) < 300


@pytest.mark.parametrize("drips", [False, True])
def test_silence_and_dripping_end_in_time(drips: bool) -> None:
    ended = threading.Event()

    def talk(client: socket.socket) -> None:
        while not ended.wait(0.02):
            if drips:
                client.sendall(b"220-x\r\n")

    with server(talk) as (host, port):
        begun = time.monotonic()
        is_well, words = check(host, port, 1.0)
        took = time.monotonic() - begun
        ended.set()
    assert not is_well and words.endswith("silent for too long: is it a port for TLS from the first octet on?")
    assert 0.8 < took < 1.5


def test_a_name_that_nobody_looks_up_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def look_up(*_: object) -> None:
        ended.wait(10)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", look_up)
    begun = time.monotonic()
    assert check("mx.example.org", 25, 0.2) == (False, "mx.example.org:25: no answer within 0.2 seconds")
    assert time.monotonic() - begun < 1.5
    ended.set()


def test_ipv6_as_a_program_and_who_is_not_there() -> None:
    def run(where: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "bin" / "smtpd"), "--check", where]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    with server(script(*ESMTP), socket.AF_INET6) as (_, port):
        ended = run(f"[::1]:{port}")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"[::1]:{port}: ok: 220 x ESMTP\n", "")
    ended = run(f"[::1]:{port}")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"smtpd: [::1]:{port}: Connection refused\n")
    for where, words in (("x..y:25", "no host name"), ("no.such.invalid:25", "")):
        ended = run(where)
        assert ended.returncode == 1 and ended.stderr.count("\n") == 1 and words in ended.stderr
    assert run("here").returncode == 2
