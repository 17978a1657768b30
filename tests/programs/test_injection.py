"""System calls of a real server fail, or kill it, by strace: what was acknowledged is found once, what was refused is not.

The simulated disk tries each call in each place; this tries what the simulation cannot have wrong.
"""

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..kit.server import Server
from ..kit.support import program, wait_until

CALLS = ("fdatasync", "fsync", "pwrite64", "write", "openat", "ftruncate", "unlinkat", "linkat", "renameat", "fallocate")
"""Those by which storage changes the disk, as x86-64 and others name them."""

ERRORS = ("EIO", "ENOSPC", "EINTR", "EDQUOT")
STORES = pytest.mark.parametrize("store", ["mbox", "maildir"])
LARGE = b"x" * 70 + b"\r\n"


@contextmanager
def injected(server: Server, call: str, what: str) -> Iterator[None]:
    """From here to there some of the calls do not do what they should."""
    pid = server.process.pid
    where = ("-e", f"trace={call}", "-e", f"inject={call}:{what}", "-p", str(pid))
    strace = subprocess.Popen([program("strace"), "-f", "-qq", "-o", "/dev/null", *where], stderr=subprocess.PIPE, text=True)
    assert strace.stderr
    try:
        wait_until(lambda: strace.poll() is not None or "\nTracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text())
        if strace.poll() is not None and server.process.poll() is None:  # else it was killed already
            why = strace.stderr.read()
            pytest.skip(f"strace cannot do this here: {why.strip()}")
        yield
    finally:
        strace.send_signal(signal.SIGINT)
        try:
            strace.wait(2)
        except subprocess.TimeoutExpired:  # it waits for a thread that was killed in the middle of a call
            strace.kill()
            strace.wait()
        strace.stderr.close()


def deliver(server: Server, begin: int, count: int) -> tuple[list[int], list[int]]:
    """Messages with these numbers, small and large, for two; which were accepted, and which were refused."""
    accepted: list[int] = []
    refused: list[int] = []
    try:
        with server.connect() as client:
            client.say("helo me")
            for number in range(begin, begin + count):
                content = b"\r\n<%d>\r\n" % number + LARGE * (4000 if number % 4 == 2 else number % 3)
                reply = client.mail(content, to=("johndoe", "babydoe")[number % 2])[:3]
                assert reply in (b"250", b"451", b"452", b""), reply
                if reply == b"":
                    break
                (accepted if reply == b"250" else refused).append(number)
    except (OSError, AssertionError):
        server.process.wait(2)  # it was killed, or there is no excuse
    return accepted, refused


def deliver_while_it_fails(server: Server, call: str, error: str, begin: int) -> tuple[list[int], list[int]]:
    """The same as `deliver`, while a call fails the first time, and then the next two times; at the end one more."""
    accepted: list[int] = []
    refused: list[int] = []
    for when in ("1", "2+3"):
        with injected(server, call, f"error={error}:when={when}"):
            more, less = deliver(server, begin + len(accepted) + len(refused), 8)
        accepted, refused = accepted + more, refused + less
    last = begin + len(accepted) + len(refused)
    wait_until(lambda: deliver(server, last, 1)[0] == [last])  # it works again, by itself
    return [*accepted, last], refused


def found(server: Server) -> Counter[int]:
    """How often each number is in the mailboxes."""
    texts = [path.read_bytes() for path in server.mail_dir.rglob("*") if path.is_file() and ".journal" not in path.parts]
    return Counter(int(number) for text in texts for number in re.findall(rb"(?m)^<(\d+)>$", text))


@STORES
@pytest.mark.parametrize("call", CALLS)
def test_calls_fail(tmp_path: Path, call: str, store: str) -> None:
    """One server sees all errors, one after the other, since a server for each would take most of the time."""
    refused: list[int] = []
    with Server(tmp_path, "--quiet", "--store", store) as server:
        accepted, _ = deliver(server, 0, 2)
        assert accepted == [0, 1]
        for error in ERRORS:
            more, less = deliver_while_it_fails(server, call, error, len(accepted) + len(refused))
            assert less or error == "EINTR" or call not in ("fdatasync", "pwrite64"), f"{error}: nothing was injected"
            accepted, refused = accepted + more, refused + less
        assert server.stop() == 0
    with Server(tmp_path, "--quiet", "--store", store) as server:
        assert server.stop() == 0
        there = found(server)
        assert {number: there[number] for number in accepted} == dict.fromkeys(accepted, 1)
        assert not [number for number in refused if there[number]]
        assert "Traceback" not in server.log


@STORES
@pytest.mark.parametrize("number", [1, 4])
@pytest.mark.parametrize("call", CALLS[:5])
def test_a_call_kills_it(tmp_path: Path, call: str, number: int, store: str) -> None:
    with Server(tmp_path, "--quiet", "--store", store) as server:
        accepted, _ = deliver(server, 0, 2)
        with injected(server, call, f"signal=KILL:when={number}"):
            more, _ = deliver(server, 2, 8)
            accepted += more
    with Server(tmp_path, "--quiet", "--store", store) as server:
        assert server.stop() == 0
        there = found(server)
        assert {number: there[number] for number in accepted} == dict.fromkeys(accepted, 1)
        assert not there or max(there.values()) == 1
        assert "Traceback" not in server.log
