"""The load: SMTP sessions that send mail as fast as the server answers, made by smtp-source or by a client of our own.

It does not know which server answers, nor where the mail goes.
"""

import errno
import os
import resource
import selectors
import shutil
import socket
import subprocess
import time
from itertools import cycle
from typing import NamedTuple

HOST = "127.0.0.1"
REVERSE_PATH = "a@b.c"
FORWARD_PATH = "johndoe@b.c"

TIME_LIMIT = 120.0
"""Seconds that one run may take."""

GREETING, HELO, MAIL, RCPT, DATA, CONTENT, QUIT = range(7)
CODES = (b"220", b"250", b"250", b"250", b"354", b"250", b"221")


class LoadError(Exception):
    """A server did not take the load. The text is one line."""


class Load(NamedTuple):
    """What is sent: `size` is the octets of a message's body, `mailboxes` the number of recipients that take turns."""

    sessions: int
    size: int
    keeps_connections: bool
    mailboxes: int = 1

    @property
    def name(self) -> str:
        """As the table and `--case` have it."""
        many = "many" if self.keeps_connections else "one"
        return f"{self.sessions} sessions, {self.size // 1024} KiB, {many} a connection"


class Effort(NamedTuple):
    """What a run took: the time in seconds, and the part of one core that the sending side used."""

    seconds: float
    cpu_share: float


class ReplyTimes(NamedTuple):
    """Seconds from the last octet of a command, or of the mail data, to the complete reply."""

    commands: list[float]
    mail_data: list[float]


def smtp_source() -> str | None:
    """Where Postfix's load generator is, if it is."""
    return find_program("smtp-source")


def find_program(name: str) -> str | None:
    """A program by its name; /usr/sbin is looked through too, since few people have it on their path."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def send_by_smtp_source(program: str, port: int, load: Load, messages: int) -> Effort:
    """Sends `messages` messages. Raises LoadError when it meets an unexpected reply or takes longer than TIME_LIMIT."""
    amounts = ["-s", str(load.sessions), "-m", str(messages), "-l", str(load.size)]
    keep = ["-d"] if load.keeps_connections else []
    command = [program, *amounts, *keep, "-f", REVERSE_PATH, "-t", FORWARD_PATH, f"{HOST}:{port}"]
    began, used = time.perf_counter(), _cpu_of_children()
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIME_LIMIT)
    except subprocess.CalledProcessError as error:
        raise LoadError(f"smtp-source gave up: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"smtp-source took more than {TIME_LIMIT:g} s") from error
    seconds = time.perf_counter() - began
    return Effort(seconds, (_cpu_of_children() - used) / seconds)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def send(port: int, load: Load, messages: int) -> tuple[Effort, ReplyTimes]:
    """Sends `messages` messages with the client below. Raises LoadError as `send_by_smtp_source` does."""
    crowd = Crowd(port, load, messages)
    began, used = time.perf_counter(), time.process_time()
    crowd.run()
    seconds = time.perf_counter() - began
    mail_data = crowd.reply_times[CONTENT]
    commands = [t for step in (HELO, MAIL, RCPT, DATA, QUIT) for t in crowd.reply_times[step]]
    return Effort(seconds, (time.process_time() - used) / seconds), ReplyTimes(commands, mail_data)


def forward_paths(mailboxes: int) -> list[str]:
    """The recipients: FORWARD_PATH alone, or as many of others as there are mailboxes."""
    return [f"user{number}@b.c" for number in range(mailboxes)] if mailboxes > 1 else [FORWARD_PATH]


def body(size: int) -> bytes:
    """A body of `size` octets, in lines of 80."""
    line = b"X" * 78 + b"\r\n"
    return (line * (size // len(line) + 1))[: size - 2] + b"\r\n"


class Crowd:
    """Sessions on one selector that share a stock of messages until it is used up."""

    def __init__(self, port: int, load: Load, messages: int) -> None:
        header = f"From: <{REVERSE_PATH}>\r\nTo: <{FORWARD_PATH}>\r\nSubject: load\r\n\r\n".encode()
        self.address = (HOST, port)
        self.keeps_connections = load.keeps_connections
        self.selector = selectors.DefaultSelector()
        self.lines = (
            b"",
            b"HELO client.example\r\n",
            f"MAIL FROM:<{REVERSE_PATH}>\r\n".encode(),
            b"",
            b"DATA\r\n",
            header + body(load.size) + b".\r\n",
            b"QUIT\r\n",
        )
        self.reply_times: tuple[list[float], ...] = tuple([] for _ in self.lines)
        self.recipients = cycle([f"RCPT TO:<{path}>\r\n".encode() for path in forward_paths(load.mailboxes)])
        self._sessions = load.sessions
        self._stock = messages

    def take(self) -> bool:
        """Takes a message from the stock; false when there is none."""
        self._stock -= 1
        return self._stock >= 0

    def run(self) -> None:
        """Returns when all messages are accepted and all connections closed."""
        deadline = time.monotonic() + TIME_LIMIT
        with self.selector:
            for _ in range(self._sessions):
                self.connect()
            while self.selector.get_map():
                self._turn(deadline)

    def connect(self) -> None:
        """One more session, if there is a message for it."""
        if self.take():
            Session(self)

    def _turn(self, deadline: float) -> None:
        for key, _ in self.selector.select(1.0):
            key.data()
        if time.monotonic() > deadline:
            raise LoadError(f"the load took more than {TIME_LIMIT:g} s")


class Session:
    """One connection; each command is sent when the one before has been answered."""

    __slots__ = ("_crowd", "_reply", "_sent_at", "_socket", "_step", "_unsent")

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._step = GREETING
        self._reply = b""
        self._unsent = memoryview(b"")
        self._sent_at = time.perf_counter()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fault = self._socket.connect_ex(crowd.address)
        if fault not in (0, errno.EINPROGRESS):
            raise LoadError(f"cannot connect: {os.strerror(fault)}")
        crowd.selector.register(self._socket, selectors.EVENT_READ, self._receive)

    def _receive(self) -> None:
        try:
            data = self._socket.recv(4096)
        except OSError as error:
            raise LoadError(f"the connection broke: {error.strerror}") from error
        received_at = time.perf_counter()
        self._reply += data
        if not data:
            raise LoadError("the server closed the connection")
        if _is_complete(self._reply):
            if not self._reply.startswith(CODES[self._step]):
                raise LoadError(f"{self._crowd.lines[self._step][:40]!r} was answered with {self._reply!r}")
            self._crowd.reply_times[self._step].append(received_at - self._sent_at)
            self._go_on()

    def _go_on(self) -> None:
        self._reply = b""
        if self._step == QUIT:
            self._leave()
        elif self._step != CONTENT:
            self._say(self._step + 1)
        elif self._crowd.keeps_connections and self._crowd.take():
            self._say(MAIL)
        else:
            self._say(QUIT)

    def _say(self, step: int) -> None:
        self._step = step
        self._unsent = memoryview(next(self._crowd.recipients) if step == RCPT else self._crowd.lines[step])
        self._send()
        if self._unsent:
            self._crowd.selector.modify(self._socket, selectors.EVENT_WRITE, self._send_rest)

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError as error:
            raise LoadError(f"the connection broke: {error.strerror}") from error

    def _send_rest(self) -> None:
        self._send()
        if not self._unsent:
            self._crowd.selector.modify(self._socket, selectors.EVENT_READ, self._receive)

    def _leave(self) -> None:
        self._crowd.selector.unregister(self._socket)
        self._socket.close()
        self._crowd.connect()


def _is_complete(reply: bytes) -> bool:
    """The last line of a reply has a blank after the code (RFC 5321 section 4.2.1)."""
    last = reply.rfind(b"\n", 0, -1) + 1
    return reply.endswith(b"\r\n") and reply[last + 3 : last + 4] == b" "
