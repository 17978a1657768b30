#!/usr/bin/env python3
"""The floor in Python: a selectors loop with only the calls that a mail server cannot do without.

It finds line ends and the end of mail data, and sends canned replies. It checks nothing and stores nothing.
"""

import selectors
import socket
import sys

RECEIVED = 64 << 10
BACKLOG = 4096
END = b"\r\n.\r\n"

OK, GO_AHEAD, BYE = b"250 OK\r\n", b"354 Go ahead\r\n", b"221 Bye\r\n"


class Session:
    """One connection."""

    __slots__ = ("_in_data", "_selector", "_socket", "_tail")

    def __init__(self, sock: socket.socket, selector: selectors.BaseSelector) -> None:
        self._socket = sock
        self._selector = selector
        self._in_data = False
        self._tail = b""
        selector.register(sock, selectors.EVENT_READ, self.read)
        sock.send(b"220 floor\r\n")

    def read(self) -> None:
        """Reads what is there and answers all of it at once."""
        try:
            data = self._socket.recv(RECEIVED)
        except OSError:
            data = b""
        replies = self._answer(data)
        if replies:
            self._socket.send(replies)
        if not data or replies.endswith(BYE):
            self._selector.unregister(self._socket)
            self._socket.close()

    def _answer(self, data: bytes) -> bytes:
        replies = b""
        while data:
            if self._in_data:
                seen = self._tail + data
                end = seen.find(END)
                if end < 0:
                    self._tail = seen[-len(END) + 1 :]
                    break
                self._in_data = False
                data = seen[end + len(END) :]
                replies += OK
                continue
            line, _, data = data.partition(b"\n")
            self._in_data = line.startswith(b"DATA")
            self._tail = b"\r\n"
            replies += GO_AHEAD if self._in_data else BYE if line.startswith(b"QUIT") else OK
        return replies


def main() -> None:
    selector = selectors.DefaultSelector()
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen(BACKLOG)
    listener.setblocking(False)

    def accept() -> None:
        try:
            while True:
                sock, _ = listener.accept()
                sock.setblocking(False)
                Session(sock, selector)
        except BlockingIOError:
            pass

    selector.register(listener, selectors.EVENT_READ, accept)
    while True:
        for key, _ in selector.select():
            key.data()


if __name__ == "__main__":
    main()
