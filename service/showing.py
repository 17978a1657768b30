"""The page beside the server: its sockets, which it inherits, and its process, which is started again whenever it ends.

The server keeps the sockets, so that clients wait a moment when the page has ended, and are not refused. Knows nothing about
what the page does.
"""

import argparse
import importlib.util
import json
import logging
import socket
from typing import NamedTuple

from reactor.companion import Companion
from reactor.loop import Reactor
from reactor.stream import addresses
from reactor.stream.listener import listening
from storage.accounts.passwords import Passwords

from .commands import command_of
from .listeners import Listener
from .notices import Notices

DEFAULT = ("127.0.0.1", 8025)

NEEDED = ("h11", "jinja2", "nh3")
"""The packages that the page needs, by their names on PyPI."""


class Settings(NamedTuple):
    """What the server tells the page. All can be sent as JSON."""

    directory: str
    kind: str
    """`mbox` or `maildir`."""
    descriptors: tuple[int, ...]
    """Of the sockets that it listens on."""
    level: int = logging.INFO
    root: str = ""
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    auth_file: str = ""
    smtp: tuple[str, int] = ("", 0)
    """Where the server takes mail, for what is sent over the API."""


def missing() -> list[str]:
    """The packages that the page needs and that are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def what_to_install() -> str:
    """How to install what is missing, for people to read."""
    return f"pip install {' '.join(missing())}"


class Showing:
    """The page of a mail directory. Raises ListenError if it cannot listen, AuthFileError if nobody could come in."""

    def __init__(self, options: argparse.Namespace) -> None:
        if options.web_auth_file:
            Passwords(options.web_auth_file)
        self._options = options
        host, port = options.web
        self._sockets: list[socket.socket] = [sock for (sock,) in listening(host, port, 1)]
        self._companion: Companion | None = None
        self.notices = Notices(options.mail_dir)

    @property
    def urls(self) -> list[str]:
        """Where the page is."""
        root = self._options.web_root
        return [f"http://{addresses.name(*sock.getsockname()[:2])}{root}/" for sock in self._sockets]

    def join(self, reactor: Reactor, listeners: list[Listener]) -> None:
        """Starts the page, and keeps it running as long as the reactor runs."""
        descriptors = tuple(sock.fileno() for sock in self._sockets)
        plain = [listener for listener in listeners if not listener.is_encrypted]
        smtp = plain[0].sockets[0].getsockname()[:2] if plain else ("", 0)
        options = self._options
        settings = Settings(
            directory=str(options.mail_dir),
            kind=options.store,
            descriptors=descriptors,
            level=options.level,
            root=options.web_root,
            hosts=tuple(options.web_host),
            origins=tuple(options.web_origin),
            admins=tuple(options.web_admin),
            auth_file=str(options.web_auth_file or ""),
            smtp=smtp,
        )
        command = command_of("page", json.dumps(settings._asdict()))
        self._companion = Companion(reactor, "the page", command, descriptors=descriptors)
        self._companion.start()

    @property
    def pid(self) -> int | None:
        """The page's process id, while it runs."""
        return self._companion.pid if self._companion else None

    def disown(self) -> None:
        """In a forked worker: closes what is the parent's."""
        for sock in self._sockets:
            sock.close()

    def close(self) -> None:
        """Ends the page."""
        if self._companion:
            self._companion.close()
        self.disown()
        self.notices.close()
