"""Asks a server whether it is well, as a container's health check does: a short dialogue that delivers nothing.

Knows nothing about the server's options. It may be on another machine, and of another make.
"""

import re
import socket
import threading
import time

from reactor.stream import addresses

PATIENCE = 5.0
"""Seconds that the whole dialogue may take, the look-up of the name included."""

LONGEST = 16 * 1024
"""Octets of a reply at most."""

_REPLY = re.compile(rb"(?:[2-5][0-9][0-9]-[^\n]*\n)*([2-5][0-9][0-9])(?: [^\n]*|\r?)\n")
_UNPRINTABLE = re.compile(r"[^ -~]")


class _Ill(Exception):  # noqa: N818 (a state of the server)
    """The server does not do what a server does. The text says what it did."""


def check(host: str, port: int, patience: float = PATIENCE) -> tuple[bool, str]:
    """Whether the server at this address is well, and one line about it: `127.0.0.1:25: ok: 220 ...`, or what is wrong.

    Returns after `patience` seconds at the latest. A server is well if it greets with a 220, accepts EHLO or HELO with a
    250, and NOOP if it knows EHLO, and leaves at QUIT with a 221. One that only knows HELO may refuse QUIT, as the classic
    dialect does before a message.
    """
    outcome = [(False, f"no answer within {patience:g} seconds")]

    def ask() -> None:
        outcome[0] = _ask(host, port, time.monotonic() + 0.9 * patience)

    # A look-up of a name cannot be given a limit, so a thread makes it, and is left alone when the time is over.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(patience)
    is_well, words = outcome[0]
    return is_well, f"{addresses.name(host, port)}: {'ok: ' * is_well}{words}"


def _ask(host: str, port: int, end: float) -> tuple[bool, str]:
    try:
        with socket.create_connection((host, port), max(0.01, end - time.monotonic())) as sock:
            return True, _Client(sock, end).talk()
    except _Ill as error:
        return False, str(error)
    except TimeoutError:
        return False, "silent for too long: is it a port for TLS from the first octet on?"
    except UnicodeError:
        return False, "this is no host name"
    except OSError as error:
        return False, error.strerror or str(error)


class _Client:
    """The client's side of the dialogue. Its methods raise _Ill, TimeoutError and other OSErrors."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self._sock = sock
        self._end = end

    def talk(self) -> str:
        """Holds the whole dialogue. Returns the greeting."""
        greeting = self._hear("connecting", b"220")
        is_extended = b"ESMTP" in greeting and self._say(b"EHLO localhost", b"250", b"500", b"502")[:3] == b"250"
        if is_extended:
            self._say(b"NOOP", b"250")
            self._say(b"QUIT", b"221")
        else:
            self._say(b"HELO localhost", b"250")
            self._say(b"QUIT", b"221", b"500", b"503")
        return _shown(greeting)

    def _say(self, line: bytes, *codes: bytes) -> bytes:
        self._sock.settimeout(self._left())
        self._sock.sendall(line + b"\r\n")
        return self._hear(line.decode(), *codes)

    def _hear(self, after: str, *codes: bytes) -> bytes:
        """The next reply, to what was sent after the last one."""
        data = b""
        while not (match := _REPLY.match(data)):
            self._sock.settimeout(self._left())
            more = self._sock.recv(4096)
            if not more:
                raise _Ill(f"it closed the connection after {after}")
            data += more
            if len(data) > LONGEST:
                raise _Ill(f"too long a reply to {after}: {_shown(data)}")
            if not b"2345".count(data[:1]):
                raise _Ill(f"no reply of a mail server: {_shown(data)}")
        if match[1] not in codes:
            raise _Ill(f"{after} was answered by {_shown(data)}")
        return data

    def _left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _shown(data: bytes) -> str:
    """The first line of a reply, without what would control a terminal."""
    line = data.splitlines()[0][:200] if data.splitlines() else data
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", line.decode("latin-1"))
