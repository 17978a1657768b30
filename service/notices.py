"""Notices to those who show mail: a datagram for the mailboxes that mail was put in. Nobody has to be there to take them.

A notice that is not taken at once is dropped, and counted: the mailboxes tell the same, a second later. Knows nothing about
who takes them.
"""

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

PLACE = ".index"
NAME = "notices"
"""The socket, in this directory within that of the mailboxes."""

LONGEST = 16 << 10
"""Octets of a notice: those of all mailboxes that are open at the same time."""


class Notices:
    """Sends notices. Costs a system call each, and never waits."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._place = -1
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.dropped = 0
        """Notices that nobody took."""

    def moved(self, sizes: Mapping[str, int | None]) -> None:
        """Tells that mail was put in mailboxes, and how long their files are if they are files."""
        self.send({"mailboxes": sizes})

    def send(self, notice: dict[str, object]) -> None:
        """Sends a notice of any kind."""
        try:
            if self._place < 0:
                self._place = os.open(self._directory / PLACE, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            # Through the descriptor, since the path of a socket may have 107 octets only.
            self._socket.sendto(json.dumps(notice).encode(), f"/proc/self/fd/{self._place}/{NAME}")
        except OSError:
            self.dropped += 1
            self._forget()

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()
        self._forget()

    def _forget(self) -> None:
        """The directory may be another one by now."""
        if self._place >= 0:
            os.close(self._place)
            self._place = -1


def listening(directory: Path) -> socket.socket:
    """The socket on which notices for a directory of mailboxes arrive. Raises OSError."""
    place = os.open(directory / PLACE, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        with suppress(FileNotFoundError):
            os.unlink(NAME, dir_fd=place)
        sock.bind(f"/proc/self/fd/{place}/{NAME}")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    finally:
        os.close(place)
    return sock
