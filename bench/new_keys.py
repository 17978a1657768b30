#!/usr/bin/env python3
"""A client of TLS 1.3 that asks for new keys thousands of times in one burst (RFC 8446 section 4.6.3).

Arguments: port, and the number of KeyUpdates in a burst. It makes them one after the other, which takes long in Python, says
"ready", and sends all at once for each line on standard input. Needs tlslite-ng.
"""

import socket
import sys
from typing import Any

from tlslite import TLSConnection
from tlslite.constants import KeyUpdateMessageType

HOST = "127.0.0.1"


class Gathering:
    """A socket whose output is kept back while it `gathers`."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.gathers = False
        self.gathered = bytearray()

    def send(self, data: bytes) -> int:
        """Keeps the data, or sends it."""
        if not self.gathers:
            return self._socket.send(data)
        self.gathered += data
        return len(data)

    def sendall(self, data: bytes) -> None:
        """All of it."""
        while data:
            data = data[self.send(data) :]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def main() -> None:
    """Until its standard input ends."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    sock = socket.create_connection((HOST, port), 30)
    gathering = Gathering(sock)
    connection = TLSConnection(gathering)
    connection.handshakeClientCert(serverName="localhost")
    while True:
        gathering.gathers, gathering.gathered = True, bytearray()
        for _ in range(count):
            for _step in connection.send_keyupdate_request(KeyUpdateMessageType.update_requested):
                pass
        print(f"ready: {len(gathering.gathered)} octets", flush=True)
        if not sys.stdin.readline():
            return
        gathering.gathers = False
        sock.sendall(gathering.gathered)


if __name__ == "__main__":
    main()
