"""The mail server as a program: opens what the options ask for, announces it, and runs it.

Knows nothing about what happens while it runs.
"""

import argparse
import gc
import logging
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial

from reactor.logs import log_to
from reactor.stream.listener import ListenError
from reactor.supervisor import Parent
from storage.contract import Stores
from storage.errors import StorageError

from . import database, tables
from .check import check
from .dev import advice
from .listeners import Listener, open_listeners
from .options import arguments
from .output import say
from .page_settings import missing, what_to_install
from .pop3_beside import Fetching
from .processes import Workers, count_of
from .serving import Service
from .showing import Showing
from .smtp import smtp
from .sources import SourceError, Sources, read
from .wiring import DIALECTS, MAILBOXES, dialect_of, own_name, stores_of

log = logging.getLogger("carteiro")

ONCE_FREED = 16 << 20
"""Freeing a block of this size (in octets) makes glibc keep up to twice as much free memory, so that it does not get pages
from the kernel again for each burst of mail (mallopt(3), M_MMAP_THRESHOLD)."""


def main() -> int:
    """Runs the server; returns the exit code."""
    options = arguments()
    # Without a standard error, descriptor 2 may be anything, such as a mailbox.
    log_to(sys.stderr.fileno() if sys.stderr else None, options.level)
    try:
        if options.check:
            return _report(*options.check)
        if options.table:
            say("smtpd", tables.drawn(options.table, DIALECTS[options.dialect].table))
        elif options.database_init:
            say("smtpd", database.make(options))
        elif options.database_export:
            os.umask(0o077)
            say("smtpd", database.export(options, MAILBOXES.get(options.store, MAILBOXES["mbox"]).mailboxes))
        else:
            serve(options)
    except (*SourceError, StorageError, ListenError) as error:
        print(f"smtpd: {error}", file=sys.stderr)
        return 1
    return 0


def _report(host: str, port: int) -> int:
    is_well, words = check(host, port)
    if is_well:
        say("smtpd", words)
    else:
        print(f"smtpd: {words}", file=sys.stderr)
    return 0 if is_well else 1


def serve(options: argparse.Namespace) -> None:
    """Serves until a signal ends it. Raises one of `SourceError`, StorageError or ListenError if it cannot."""
    os.umask(0o077)  # new files are for this user only, and readable by this user, whatever the umask was
    options.hostname = options.hostname or own_name()
    sources = read(options)
    count = count_of(options.workers)
    dialect = dialect_of(options)
    showing = Showing(options, dialect.table.closed) if options.web or options.metrics else None
    fetching = Fetching(options) if options.pop3 or options.pop3_tls else None
    stores = stores_of(options, count, *(showing.ears if showing else ()))
    listeners = open_listeners(options, smtp(dialect), count)
    lines = [
        *(f"listening on {listener}" for listener in listeners),
        *(showing.lines if showing else ()),
        *(fetching.lines if fetching else ()),
        *(_advice(options, sources, listeners) if options.dev else ()),
    ]
    announce = partial(say, "smtpd", "\n".join(lines))
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))  # until the loop takes them
    gc.freeze()  # spares each collection a million users, and each worker a copy of them
    bytes(ONCE_FREED)
    server: Service | Workers
    if count == 1:
        server = Service(options, sources, stores.first, listeners, showing.metering if showing else None)
        if showing:
            showing.join(server.reactor, listeners)
        if fetching:
            fetching.join(server.reactor, showing.metering.sender if showing else -1)
    else:
        server = _workers(options, sources, stores, listeners, showing, fetching)
    server.reactor.on_signal(signal.SIGHUP, partial(_reread, server, showing, fetching))
    server.run(announce)
    if fetching:
        fetching.close()
    if count > 1 and options.store != database.NAME:
        # Now move what workers left that were killed, or that found a mailbox locked by another worker at the end.
        stores_of(options, count).first.close()
        log.info("stopped")
    if showing:
        showing.close()


def _reread(*parts: Service | Workers | Showing | Fetching | None) -> None:
    """Reads all files again, also in the processes beside the server."""
    for part in parts:
        if part:
            part.reread()


def _advice(options: argparse.Namespace, sources: Sources, listeners: list[Listener]) -> list[str]:
    if not options.web and not options.no_web and missing():
        log.warning("there is no page to see the mail: %s", what_to_install())
    return advice(options, sources, listeners)


def _workers(
    options: argparse.Namespace,
    sources: Sources,
    stores: Stores,
    listeners: list[Listener],
    showing: Showing | None,
    fetching: Fetching | None,
) -> Workers:
    def work(number: int, own: Sequence[Listener], parent: Parent) -> None:
        if showing:
            showing.disown(number)
        if fetching:
            fetching.disown()
        Service(options, sources, stores.of_worker(number), own, showing.metering if showing else None).run(parent=parent)

    workers = Workers(count_of(options.workers), work, stores.first, listeners, sources)
    if showing:
        showing.join(workers.reactor, listeners, lambda: {"worker": workers.restarts}, stores.first)
    if fetching:
        fetching.join(workers.reactor, showing.metering.sender if showing else -1)
    return workers
