"""The process that shows mail over HTTP: the loop, the inbox, the routes, and who may come in.

Its argument is JSON, the fields of `Settings`. It serves on sockets that it inherits, and ends when its standard input does.
"""

import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from reactor.logs import log_as, log_to
from reactor.loop import READ, Reactor
from reactor.offload import Offload
from reactor.stream.conversation import Conversation
from reactor.stream.server import Server
from storage.accounts.passwords import Passwords
from web.application import Application
from web.connection import HttpConnection
from web.contract import Mistake, Page, Selection
from web.gate import Authenticate, Gate, Terms
from web.request import Request
from web.response import Reply, data
from web.routing import Route

from ..showing import Settings
from .indexed import IndexedInbox

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
    application = Application(routes(inbox, reactor, settings), gate, settings.root)
    serve(reactor, application, settings)
    inbox.close()
    checks.close()
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


def routes(inbox: IndexedInbox, reactor: Reactor, settings: Settings) -> list[Route]:
    """All routes."""

    def messages(request: Request, reply: Reply) -> None:
        def found(page: Page | Mistake | None) -> None:
            rows = page.rows if isinstance(page, Page) else []
            reply.respond(data({"messages": rows}))

        inbox.page(request.sight, Selection(), 0, 50, found)

    return [Route("GET", "/api/v1/messages", messages)]
