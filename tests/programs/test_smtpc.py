"""The interactive client: scripts, a person at a terminal, and servers that end things themselves."""

import fcntl
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..kit.server import Server
from ..kit.support import ROOT, wait_until

SCRIPT = "helo me\nmail from: a@b\nrcpt to: johndoe\ndata\nSubject: x\n\nhello\n.\nquit\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


def smtpc(address: str, script: str) -> subprocess.CompletedProcess[str]:
    """What the server says."""
    command = [sys.executable, str(ROOT / "bin" / "smtpc"), "--quiet", address]
    return subprocess.run(command, input=script, capture_output=True, text=True, timeout=20)


def codes(output: str) -> list[str]:
    return [line[:3] for line in output.splitlines()]


def test_a_script_is_a_dialogue(server: Server) -> None:
    result = smtpc(f"127.0.0.1:{server.port}", SCRIPT)
    assert codes(result.stdout) == ["220", "250", "250", "250", "354", "250", "221"]
    assert (result.returncode, result.stderr) == (0, "")
    assert server.mailbox("johndoe")[0].content == b"Subject: x\n\nhello\n"


def test_a_script_leaves_a_transcript_of_both_sides(server: Server) -> None:
    command = [sys.executable, str(ROOT / "bin" / "smtpc"), f"127.0.0.1:{server.port}"]
    result = subprocess.run(command, input=SCRIPT + "noop\n", capture_output=True, text=True, timeout=20)
    lines = [line[:6] if line.startswith("S:") else line for line in result.stdout.splitlines()]
    assert lines == [
        "S: 220", "C: helo me", "S: 250", "C: mail from: a@b", "S: 250", "C: rcpt to: johndoe", "S: 250", "C: data",
        "S: 354", "C: Subject: x", "C: ", "C: hello", "C: .", "S: 250", "C: quit", "S: 221",
    ]  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


def test_a_transcript_shows_no_control_character() -> None:
    port = serve_once(b"220 hi\r\n", b"500 what\x07\r\n", b"221 bye\r\n")
    command = [sys.executable, str(ROOT / "bin" / "smtpc"), f"127.0.0.1:{port}"]
    result = subprocess.run(command, input="noop \x1b[2J\nquit\n", capture_output=True, text=True, timeout=20)
    assert result.stdout == "S: 220 hi\nC: noop \\x1b[2J\nS: 500 what\\x07\nC: quit\nS: 221 bye\n"


@pytest.mark.parametrize("script", ["helo me\nnoop", "helo me\r\nnoop\r\n"])
def test_a_script_may_end_without_a_line_end_and_without_quit(server: Server, script: str) -> None:
    result = smtpc(f"127.0.0.1:{server.port}", script)
    assert codes(result.stdout) == ["220", "250", "500"] and result.returncode == 0


def test_a_script_that_ends_inside_the_mail_data_is_an_error(server: Server) -> None:
    result = smtpc(f"127.0.0.1:{server.port}", SCRIPT.partition("hello\n")[0])
    assert codes(result.stdout) == ["220", "250", "250", "250", "354"] and result.returncode == 1
    assert result.stderr.endswith('inside the mail data: the message was not sent, end it with a line "."\n')
    assert server.mailbox("johndoe") == []


def test_whoever_reads_the_replies_may_stop(server: Server) -> None:
    command = f"printf 'helo me\\nnoop\\nnoop\\n' | {sys.executable} {ROOT}/bin/smtpc 127.0.0.1:{server.port} | head -1"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20)
    assert result.stdout.startswith("S: 220") and result.stdout.count("\n") == 1 and result.stderr == ""


def test_a_long_script_is_sent_whole(server: Server) -> None:
    lines = "".join(f"line {number}\n" for number in range(20_000))
    result = smtpc(f"127.0.0.1:{server.port}", SCRIPT.replace("hello\n", lines))
    assert result.returncode == 0
    assert server.mailbox("johndoe")[0].content == f"Subject: x\n\n{lines}".encode()


def test_no_server_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = smtpc(f"127.0.0.1:{port}", "")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"smtpc: 127.0.0.1:{port}: Connection refused: is the server running there?\n"
    result = smtpc("nonsense", "")
    assert result.returncode == 2 and "'nonsense' is not HOST:PORT" in result.stderr


def serve_once(*said: bytes) -> int:
    """A server that says some things to one client, waiting for a line after each, and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as client, client.makefile("rb") as heard:
            for number, line in enumerate(said):
                if number:
                    heard.readline()
                client.sendall(line)

    threading.Thread(target=serve, daemon=True).start()
    return int(listener.getsockname()[1])


def test_a_server_that_hangs_up_is_an_error() -> None:
    port = serve_once(b"220 hi\r\n", b"25")
    result = smtpc(f"127.0.0.1:{port}", SCRIPT)
    assert result.returncode == 1 and result.stdout == "220 hi\n25\n"
    assert re.fullmatch(r"smtpc: 127\.0\.0\.1:\d+: the server closed the connection\n", result.stderr)


def test_a_reply_without_words_is_a_reply() -> None:
    result = smtpc(f"127.0.0.1:{serve_once(*LATE_REPLIES)}", "noop\nquit\n")
    assert result.stdout == "220\n250\n221\n" and result.returncode == 0


LATE_REPLIES = (b"220\r\n", b"250\r\n", b"221\r\n")


def test_replies_of_several_lines_are_one_reply_and_control_characters_are_not_shown_raw() -> None:
    port = serve_once(b"220 hi\r\n", b"250-me\r\n250-\x1b[2J\r\n250 caf\xc3\xa9 \xff\r\n", b"221 bye\r\n")
    result = smtpc(f"127.0.0.1:{port}", "ehlo me\nquit\n")
    assert result.stdout == "220 hi\n250-me\n250-\\x1b[2J\n250 café \\xff\n221 bye\n" and result.returncode == 0


class Terminal:
    """The client on a pseudo-terminal, as a person sees it."""

    def __init__(self, address: str) -> None:
        self.seen = b""
        self.keys, tty = pty.openpty()
        self.before = termios.tcgetattr(tty)
        self.tty = tty
        command = [sys.executable, str(ROOT / "bin" / "smtpc"), address]
        self.process = subprocess.Popen(
            command, stdin=tty, stdout=tty, stderr=tty, start_new_session=True, preexec_fn=self._take_terminal
        )

    @staticmethod
    def _take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def type(self, keys: bytes) -> None:
        os.write(self.keys, keys)

    def wait_for(self, text: bytes) -> None:
        while text not in self.seen:
            assert select.select([self.keys], [], [], 20)[0], f"{text!r} does not come, only {self.seen!r}"
            self.seen += os.read(self.keys, 1000)

    def end(self) -> int:
        code = self.process.wait(10)
        assert termios.tcgetattr(self.tty) == self.before, "the terminal is as it was"
        os.close(self.tty)
        os.close(self.keys)
        return code


def test_a_person_can_correct_what_is_typed(server: Server) -> None:
    terminal = Terminal(f"127.0.0.1:{server.port}")
    terminal.wait_for(b"220 ")
    terminal.type(b"helo your\x7f\x7f\x7f\x7fme\n")
    terminal.wait_for(b"250 Hello me, pleased to meet you")
    for line in SCRIPT.splitlines()[1:]:
        terminal.type(line.encode() + b"\n")
    terminal.wait_for(b"221 ")
    assert terminal.end() == 0
    assert server.mailbox("johndoe")[0].content == b"Subject: x\n\nhello\n"


def test_a_person_sees_a_421_that_nobody_asked_for(server: Server) -> None:
    terminal = Terminal(f"127.0.0.1:{server.port}")
    terminal.wait_for(b"220 ")
    server.process.send_signal(signal.SIGTERM)
    terminal.wait_for(b"421 ")
    assert terminal.end() == 1


@pytest.mark.parametrize(("key", "code"), [(b"\x04", 0), (b"\x03", 130)])
def test_a_person_can_leave(server: Server, key: bytes, code: int) -> None:
    terminal = Terminal(f"127.0.0.1:{server.port}")
    terminal.type(b"helo me\n")
    terminal.wait_for(b"250 ")
    while terminal.process.poll() is None:  # a key pressed before line editing has begun again may be lost
        terminal.type(key)
        time.sleep(0.1)
    assert terminal.end() == code
    wait_until(lambda: " closed: " in server.log)


def test_a_person_who_is_impatient_leaves_all_the_same(server: Server) -> None:
    terminal = Terminal(f"127.0.0.1:{server.port}")
    terminal.wait_for(b"220 ")
    while terminal.process.poll() is None:
        terminal.process.send_signal(signal.SIGINT)
        time.sleep(0.001)
    while select.select([terminal.keys], [], [], 0.1)[0]:
        terminal.seen += os.read(terminal.keys, 1000)
    assert terminal.end() == 130 and b"Traceback" not in terminal.seen


def test_a_server_that_is_silent_for_too_long_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = [sys.executable, str(ROOT / "bin" / "smtpc"), "--timeout", "0.2", f"127.0.0.1:{silent.getsockname()[1]}"]
        result = subprocess.run(command, input="noop\n", capture_output=True, text=True, timeout=20)
    assert result.returncode == 1 and result.stderr.endswith(": the server was silent for too long\n")
