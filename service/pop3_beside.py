"""POP3 beside the server: its sockets, which the process inherits that speaks it and is started again whenever it ends.

The server keeps the sockets, so that clients wait a moment when that process has ended, and are not refused. Knows nothing
about what is said.
"""

import argparse
import json
import logging
from typing import NamedTuple

from reactor.companion import Companion
from reactor.loop import Reactor
from reactor.stream import addresses
from reactor.stream.listener import listening

from .commands import REREAD, command_of
from .kinds import where_of

DRAINED_WITHIN = 11.0
"""Seconds that the process has to end when it is told to: its sessions have `DRAIN_LIMIT`."""


class Settings(NamedTuple):
    """What the server tells the process. All can be sent as JSON. Most are flags, as text."""

    directory: str
    kind: str
    """The name of --store."""
    hostname: str
    where: tuple[str, ...] = ()
    """More about mailboxes of this kind, see `kinds`."""
    plain: tuple[int, ...] = ()
    """Descriptors of the sockets on which clients may begin TLS."""
    encrypted: tuple[int, ...] = ()
    """Descriptors of those on which they speak TLS from the first octet on."""
    level: int = logging.INFO
    auth_file: str = ""
    accepts_any: bool = False
    authenticates_in_clear: bool = False
    tls_cert: str = ""
    tls_key: str = ""
    is_self_signed: bool = False
    max_connections: int = 1
    max_refusals: int | None = None
    idle_timeout: float = 0.0
    metering: int = -1
    """The descriptor where its figures are sent; -1: nobody asks for them."""


class Fetching:
    """POP3 for a mail directory. Raises ListenError if it cannot listen."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._plain, self._encrypted = (
            [sock for host, port in places for (sock,) in listening(host, port, 1, flag)]
            for places, flag in ((options.pop3, "--pop3"), (options.pop3_tls, "--pop3-tls"))
        )
        self._companion: Companion | None = None

    @property
    def lines(self) -> list[str]:
        """What to tell people: where mail can be fetched."""
        rows = [(sock, "") for sock in self._plain] + [(sock, " (TLS)") for sock in self._encrypted]
        return [f"fetching by POP3 on {addresses.name(*sock.getsockname()[:2])}{more}" for sock, more in rows]

    def join(self, reactor: Reactor, metering: int = -1) -> None:
        """Starts the process, and keeps it running as long as the reactor runs. `metering` is where its figures are sent."""
        settings = self._settings()._replace(metering=metering)
        command = command_of("pop3.process", json.dumps(settings._asdict()))
        descriptors = *settings.plain, *settings.encrypted, *([metering] if metering >= 0 else [])
        companion = Companion(reactor, "POP3", command, descriptors=descriptors, patience=DRAINED_WITHIN)
        self._companion = companion
        companion.start()

    def reread(self) -> None:
        """The process reads its files again."""
        if self._companion:
            self._companion.say(REREAD)

    def _settings(self) -> Settings:
        options = self._options
        return Settings(
            directory=str(options.mail_dir),
            kind=options.store,
            hostname=options.hostname.decode(),
            where=where_of(options),
            plain=tuple(sock.fileno() for sock in self._plain),
            encrypted=tuple(sock.fileno() for sock in self._encrypted),
            level=options.level,
            auth_file=str(options.auth_file or ""),
            accepts_any=options.auth_accept_any,
            authenticates_in_clear=options.auth_allow_insecure,
            tls_cert=str(options.tls_cert or ""),
            tls_key=str(options.tls_key or ""),
            is_self_signed=options.tls_auto,
            max_connections=options.max_connections,
            max_refusals=options.max_refusals,
            idle_timeout=options.idle_timeout,
        )

    @property
    def pid(self) -> int | None:
        """The process's id, while it runs."""
        return self._companion.pid if self._companion else None

    def disown(self) -> None:
        """In a forked worker: closes what is the parent's."""
        for sock in (*self._plain, *self._encrypted):
            sock.close()

    def close(self) -> None:
        """Ends the process, when its sessions have ended."""
        if self._companion:
            self._companion.close()
        self.disown()
