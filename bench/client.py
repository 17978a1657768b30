"""The client: many SMTP sessions in one thread, each as fast as the server answers; also pipelined, also over TLS.

It does not know which server answers, nor where the mail goes.
"""

import errno
import os
import selectors
import socket
import ssl
import time
from itertools import cycle
from typing import NamedTuple

from bench.load import FORWARD_PATH, HOST, REVERSE_PATH, TIME_LIMIT, Effort, Load, LoadError, body, forward_paths

GREETING, HELO, MAIL, RCPT, DATA, CONTENT, QUIT, STARTTLS = range(8)
NAMES = ("the connection", "HELO or EHLO", "MAIL", "RCPT", "DATA", "the mail data", "QUIT", "STARTTLS")
CODES = (b"220", b"250", b"250", b"250", b"354", b"250", b"221", b"220")

RECEIVED = 64 << 10
"""Most octets of a receive. A TLS record is shorter, so none of it is left where a selector does not see it."""


class Manner(NamedTuple):
    """How the client speaks; as it stands, in the manner of every SMTP server."""

    greeting: bytes = b"HELO"
    pipelines: bool = False
    """MAIL, RCPT and DATA are sent together (RFC 2920), whether or not that is offered."""
    has_new_senders: bool = False
    """Each message comes from another sender."""
    tls: ssl.SSLContext | None = None
    """It says STARTTLS, and EHLO again (RFC 3207). A handshake is a full one: no session is resumed."""


PLAIN = Manner()

SENDERS = 50_000
"""Of the client in Python: so many are new to whoever remembers some."""


class ReplyTimes(NamedTuple):
    """Seconds from the last octet of a command, or of the mail data, to the complete reply."""

    commands: list[float]
    mail_data: list[float]


def send(port: int, load: Load, messages: int, manner: Manner = PLAIN) -> tuple[Effort, ReplyTimes]:
    """Sends `messages` messages. Raises LoadError when a reply is not the expected one, or after TIME_LIMIT."""
    crowd = Crowd(port, load, messages, manner)
    began, used = time.perf_counter(), time.process_time()
    crowd.run()
    seconds = time.perf_counter() - began
    mail_data = crowd.reply_times[CONTENT]
    commands = [t for step in (HELO, MAIL, RCPT, DATA, QUIT) for t in crowd.reply_times[step]]
    return Effort(seconds, (time.process_time() - used) / seconds), ReplyTimes(commands, mail_data)


def offered(port: int) -> str:
    """The reply to EHLO."""
    with socket.create_connection((HOST, port), TIME_LIMIT) as sock, sock.makefile("rb") as heard:
        heard.readline()
        sock.sendall(b"EHLO client.example\r\n")
        lines = [heard.readline()]
        while lines[-1][3:4] == b"-":
            lines.append(heard.readline())
        sock.sendall(b"QUIT\r\n")
    return b"".join(lines).decode()


class Crowd:
    """Sessions on one selector that share a stock of messages until it is used up."""

    def __init__(self, port: int, load: Load, messages: int, manner: Manner) -> None:
        self.address = (HOST, port)
        self.keeps_connections = load.keeps_connections
        self.tls = manner.tls
        self.selector = selectors.DefaultSelector()
        self.lines = tuple(map(cycle, _lines(load, manner)))
        self.reply_times: tuple[list[float], ...] = tuple([] for _ in self.lines)
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


def _lines(load: Load, manner: Manner) -> list[list[bytes]]:
    """What is sent at each step, in turns; b"": nothing, an earlier step has sent it."""
    header = f"From: <{REVERSE_PATH}>\r\nTo: <{FORWARD_PATH}>\r\nSubject: load\r\n\r\n".encode()
    hello, data = manner.greeting + b" client.example\r\n", b"DATA\r\n"
    senders = [f"a{number}@b.c" for number in range(SENDERS)] if manner.has_new_senders else [REVERSE_PATH]
    mail = [f"MAIL FROM:<{sender}>\r\n".encode() for sender in senders]
    rcpt = [f"RCPT TO:<{path}>\r\n".encode() for path in forward_paths(load.mailboxes)]
    envelope = [[mail[0] + each + data for each in rcpt], [b""], [b""]] if manner.pipelines else [mail, rcpt, [data]]
    return [[b""], [hello], *envelope, [header + body(load.size) + b".\r\n"], [b"QUIT\r\n"], [b"STARTTLS\r\n"]]


class Session:
    """One connection; it sends on when what it has sent has been answered."""

    __slots__ = ("_crowd", "_heard", "_sent_at", "_socket", "_step", "_unsent")

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._step = GREETING
        self._heard = b""
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
            data = self._socket.recv(RECEIVED)
        except (BlockingIOError, ssl.SSLWantReadError):  # there was less than a record, or only a session ticket
            return
        except OSError as error:
            raise LoadError(f"the connection broke: {error.strerror}") from error
        received_at = time.perf_counter()
        if not data:
            raise LoadError("the server closed the connection")
        self._heard += data
        while end := _end_of_reply(self._heard):
            reply, self._heard = self._heard[:end], self._heard[end:]
            if not reply.startswith(CODES[self._step]):
                raise LoadError(f"{NAMES[self._step]} was answered with {reply!r}")
            self._crowd.reply_times[self._step].append(received_at - self._sent_at)
            self._go_on()

    def _go_on(self) -> None:
        step = self._step
        if MAIL <= step < CONTENT or step == GREETING:
            self._say(step + 1)
        elif step == CONTENT:
            self._say(MAIL if self._crowd.keeps_connections and self._crowd.take() else QUIT)
        elif step == HELO:
            self._say(STARTTLS if self._crowd.tls and not isinstance(self._socket, ssl.SSLSocket) else MAIL)
        elif step == STARTTLS:
            self._secure()
        else:
            self._leave()

    def _say(self, step: int) -> None:
        self._step = step
        line = next(self._crowd.lines[step])
        if line:
            self._unsent = memoryview(line)
            self._send()
            if self._unsent:
                self._crowd.selector.modify(self._socket, selectors.EVENT_WRITE, self._send_rest)

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        try:
            while self._unsent:  # TLS takes a record at a time
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            pass
        except OSError as error:
            raise LoadError(f"the connection broke: {error.strerror}") from error

    def _send_rest(self) -> None:
        self._send()
        if not self._unsent:
            self._crowd.selector.modify(self._socket, selectors.EVENT_READ, self._receive)

    def _secure(self) -> None:
        assert self._crowd.tls
        self._crowd.selector.unregister(self._socket)
        self._socket = self._crowd.tls.wrap_socket(self._socket, do_handshake_on_connect=False)
        self._crowd.selector.register(self._socket, selectors.EVENT_READ, self._shake_hands)
        self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            assert isinstance(self._socket, ssl.SSLSocket)
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            return
        except OSError as error:
            raise LoadError(f"the handshake failed: {error.strerror}") from error
        self._crowd.selector.modify(self._socket, selectors.EVENT_READ, self._receive)
        self._say(HELO)

    def _leave(self) -> None:
        self._crowd.selector.unregister(self._socket)
        self._socket.close()
        self._crowd.connect()


def _end_of_reply(heard: bytes) -> int:
    """How long the first complete reply is, 0: there is none. Its last line has a blank after the code (RFC 5321 4.2.1)."""
    begin = 0
    while end := heard.find(b"\n", begin) + 1:
        if heard[begin + 3 : begin + 4] == b" ":
            return end
        begin = end
    return 0
