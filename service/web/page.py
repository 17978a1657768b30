"""The process that shows mail over HTTP: the loop, the inbox, the routes, and who may come in.

Its argument is JSON, the fields of `Settings`. It serves on sockets that it inherits, and ends when its standard input does.
"""

import json
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from inbox.index.schema import DIRECTORY
from reactor.logs import log_as, log_to
from reactor.loop import READ, Reactor
from reactor.offload import Offload
from reactor.stream.conversation import Conversation
from reactor.stream.server import Server
from storage.accounts.passwords import Passwords
from web.api.table import routes
from web.application import Application
from web.connection import HttpConnection
from web.environment import Figures, Outcome, Tools
from web.gate import Authenticate, Gate, Terms
from web.pages.routes import pages

from .. import VERSION
from ..showing import Settings
from .indexed import IndexedInbox
from .submitting import submitted

log = logging.getLogger("carteiro")

CONNECTIONS = 200
"""Most clients at once."""

IDLE = 3_600.0
"""Seconds of silence after which any connection is closed; most have a shorter limit of their own."""

NICENESS = 5

MOST_CHECKS = 32
"""Most passwords that wait to be checked."""

TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n"


def main() -> int:
    """Shows mail until standard input ends; returns the exit code."""
    settings = Settings(**json.loads(sys.argv[1]))
    log_to(2, settings.level)
    log_as("page")
    if settings.level > logging.DEBUG:  # who comes and goes is of no interest here
        logging.getLogger("carteiro.reactor").setLevel(logging.WARNING)
    os.nice(NICENESS)
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reactor = Reactor()
    inbox = IndexedInbox(reactor, Path(settings.directory), settings.kind)
    checks = Offload(reactor)
    terms = Terms(settings.hosts, settings.origins, authenticate(settings.auth_file, checks), settings.admins)
    gate = Gate(terms, lambda: reactor.now)
    sending = Offload(reactor)
    needed = tools(reactor, sending, settings)
    application = Application([*pages(inbox, needed), *routes(inbox, needed)], gate, settings.root)
    serve(reactor, application, settings)
    inbox.close()
    checks.close()
    sending.close()
    reactor.close()
    return 0


def authenticate(auth_file: str, checks: Offload) -> Authenticate | None:
    """Checks passwords in a thread; None if nobody is asked for one. Raises AuthFileError."""
    if not auth_file:
        return None
    passwords = Passwords(Path(auth_file))

    def check(name: str, password: str, answer: Callable[[bool | None], None]) -> None:
        if checks.waiting >= MOST_CHECKS:
            answer(None)
        else:
            checks.submit(lambda: passwords.check(name.encode(), password.encode()), lambda is_right: answer(bool(is_right)))

    return check


def serve(reactor: Reactor, application: Application, settings: Settings) -> None:
    """Serves until standard input ends, or a signal comes."""
    server = Server(reactor, CONNECTIONS, IDLE)

    def open_connection(peer: str, wake: Callable[[], None]) -> Conversation:
        return HttpConnection(application, peer, wake, lambda: reactor.now, application.longest_body)

    for descriptor in settings.descriptors:
        server.listen_on(socket.socket(fileno=descriptor), open_connection, TOO_MANY)

    def parent_spoke(_: int) -> None:
        if not os.read(0, 4096):
            reactor.unwatch(0)
            stop()

    def stop() -> None:
        server.close()
        reactor.stop()

    os.set_blocking(0, False)
    reactor.watch(0, READ, parent_spoke)
    reactor.on_signal(signal.SIGTERM, stop)
    reactor.run()


def tools(reactor: Reactor, sending: Offload, settings: Settings) -> Tools:
    """What the routes need besides the inbox."""
    began = time.monotonic()

    def submit(sender: str, recipients: Sequence[str], octets: bytes, answer: Callable[[Outcome], None]) -> None:
        host, port = settings.smtp

        def send() -> Outcome:
            return submitted((host, port), sender, recipients, octets)

        sending.submit(send, lambda outcome: answer(outcome or Outcome(421, "it failed")))

    def figures() -> Figures:
        size = sum(path.stat().st_size for path in (Path(settings.directory) / DIRECTORY).glob("index.db*"))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        return Figures(VERSION, "carteiro", size, int(time.monotonic() - began), memory)

    return Tools(reactor.call_later, sending.beside, submit, figures, lambda: datetime.now().astimezone())
