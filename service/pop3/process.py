"""The process that mail is fetched from: the loop, the listeners, the mailboxes, and who may come in.

Its argument is JSON, the fields of `Settings`. It serves on sockets that it inherits. It drains when its standard input
ends, or at SIGTERM, and reads its files again at a line that says so. There is one such process for a mail directory,
whatever happens to its parent, so a mailbox that is locked in it is locked. For a database there may be many.
"""

import argparse
import fcntl
import json
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from protocol.engine.session import Session
from protocol.pop3 import replies
from protocol.pop3.outside import PopSite
from protocol.pop3.table import POP3
from reactor.logs import log_as, log_to
from reactor.loop import READ, Reactor
from reactor.offload import Offload
from reactor.stream.conversation import Opener
from reactor.stream.server import Server

from .. import sources
from ..commands import REREAD
from ..counting import Counts
from ..kinds import POSTGRES, kind_of
from ..lifecycle import Lifecycle
from ..pop3_beside import Settings
from ..snapshots import POP3 as POP3_NUMBER
from ..snapshots import Row, Snapshots
from ..sources import SourceError, Sources
from ..transcript import observer_for, report_for
from ..wiring import authenticate_of
from .maildrops import Maildrops

log = logging.getLogger("carteiro")

NICENESS = 5

MAX_REFUSALS = 10
"""Refused commands in a row, among them wrong passwords, that end a connection unless --max-refusals says otherwise."""

LEAST_IDLE = 600.0
"""Seconds of silence that a client may take, even if --idle-timeout is shorter (RFC 1939 section 3)."""

PLACE = ".pop3"
"""The file in the mail directory that is locked while this process runs."""


def main() -> int:
    """Serves until it is told to end; returns the exit code."""
    settings = Settings(**json.loads(sys.argv[1]))
    log_to(2, settings.level)
    log_as("pop3")
    os.nice(NICENESS)
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGHUP))  # until the loop takes them
    os.set_blocking(0, False)
    if settings.kind != POSTGRES and not is_only_one(Path(settings.directory)):  # a database has locks for all
        return 0
    try:
        read = sources.read(options_of(settings))
    except SourceError as error:
        log.error("%s", error)
        return 1
    serve(settings, read)
    return 0


def options_of(settings: Settings) -> argparse.Namespace:
    """The flags that say which files are read, and how passwords are checked."""
    return argparse.Namespace(
        users_file=None,
        hostname=settings.hostname.encode(),
        mail_dir=Path(settings.directory),
        auth_file=Path(settings.auth_file) if settings.auth_file else None,
        auth_accept_any=settings.accepts_any,
        tls_cert=Path(settings.tls_cert) if settings.tls_cert else None,
        tls_key=Path(settings.tls_key) if settings.tls_key else None,
        tls_auto=settings.is_self_signed,
        dev=True,
        require_tls=False,
        listen_tls=list(settings.encrypted),
    )


def is_only_one(directory: Path) -> bool:
    """Waits until no other process serves this directory; False if the input ends before."""
    lock = os.open(directory / PLACE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            ready, _, _ = select.select([0], [], [], 0.1)
            if ready and not os.read(0, 4096):
                return False


def serve(settings: Settings, read: Sources) -> None:
    """Serves until it is told to end."""
    reactor = Reactor()
    maildrops = Maildrops(reactor, Path(settings.directory), kind_of(settings.kind, *settings.where))
    checks, handshakes = Offload(reactor), Offload(reactor)
    authenticate = authenticate_of(options_of(settings), read, checks)
    assert authenticate, "the options are refused that let nobody in"
    site = PopSite(
        POP3,
        settings.hostname.encode(),
        maildrops.open,
        authenticate,
        max_refusals=MAX_REFUSALS if settings.max_refusals is None else settings.max_refusals,
        has_tls=read.certificate is not None,
        authenticates_in_clear=settings.authenticates_in_clear,
        accepts_any=settings.accepts_any,
        share=reactor.share,
    )
    tls = read.certificate.context if read.certificate else None
    idle = max(LEAST_IDLE, settings.idle_timeout)
    server = Server(reactor, settings.max_connections, idle, tls, handshakes.beside)
    counts = Counts() if settings.metering >= 0 else None
    for descriptor in settings.plain:
        server.listen_on(socket.socket(fileno=descriptor), opener(site, False, counts), replies.TOO_MANY_CONNECTIONS.line)
    for descriptor in settings.encrypted:
        server.listen_on(socket.socket(fileno=descriptor), opener(site, True, counts))
    if counts:
        reactor.after_write(counts.add_up)
        Snapshots(settings.metering).begin(reactor, POP3_NUMBER, partial(figures, counts))
    lifecycle = Lifecycle(reactor, [server], read.reread)
    reactor.watch(0, READ, partial(obey, reactor, lifecycle, read.reread))
    reactor.run()
    maildrops.close()
    for offload in (checks, handshakes):
        offload.close()
    reactor.close()


def obey(reactor: Reactor, lifecycle: Lifecycle, reread: Callable[[], None], _: int) -> None:
    """Does what the parent says on standard input; at its end, drains."""
    said = os.read(0, 4096)
    if not said:
        reactor.unwatch(0)
        lifecycle.stop()
    elif REREAD in said:
        reread()


def opener(site: PopSite, is_encrypted: bool, counts: Counts | None = None) -> Opener:
    """Creates a session for each client."""
    follow = counts.follow if counts else None

    def open_session(peer: str, wake: Callable[[], None]) -> Session:
        address = peer.rpartition(":")[0].strip("[]")
        session = Session(site, address, report_for(peer), wake, is_encrypted, observer_for(peer), follow)
        if counts:
            counts.begun(session.state)
        return session

    return open_session


FIGURES = {"accepted": "pop3_accepted", "sessions": "pop3_sessions", "moves": "pop3_moves"}
"""What is told of what a process counts, by other names than that of SMTP."""


def figures(counts: Counts) -> Iterator[Row]:
    """The figures of this process. No move has a code."""
    for name, labels, value, is_gauge in counts.rows(POP3.table.closed):
        if name in FIGURES:
            yield Row(FIGURES[name], labels[:3], value, is_gauge)
