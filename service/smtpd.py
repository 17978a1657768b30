"""The mail server as a program: what its options ask for is opened, announced and run.

It does not know what happens while it runs.
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

from .listeners import Listener, open_listeners
from .options import arguments
from .processes import Workers, count_of
from .serving import Service
from .smtp import smtp
from .sources import SourceError, Sources, read
from .wiring import DIALECTS, FORMATS, STORES, dialect_of, own_name

log = logging.getLogger("carteiro")

ONCE_FREED = 16 << 20
"""To have had so many octets makes glibc keep up to twice as many free ones, and not fetch pages anew for each burst of mail
(mallopt(3), M_MMAP_THRESHOLD)."""


def main() -> int:
    """Runs the server; returns the exit code."""
    options = arguments()
    # Without a standard error its descriptor may be anything, a mailbox for example.
    log_to(sys.stderr.fileno() if sys.stderr else None, options.level)
    try:
        if options.table:
            say(FORMATS[options.table](DIALECTS[options.dialect].table))
        else:
            serve(options)
    except (*SourceError, StorageError, ListenError) as error:
        print(f"smtpd: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def serve(options: argparse.Namespace) -> None:
    """Serves until a signal ends it. Raises one of `SourceError`, StorageError or ListenError when it cannot."""
    os.umask(0o077)  # what is made is for this user only, and he can read it again, whatever he has set
    options.hostname = options.hostname or own_name()
    sources = read(options)
    count = count_of(options.workers)
    stores = STORES[options.store](options.mail_dir, count)
    listeners = open_listeners(options, smtp(dialect_of(options)), count)
    announce = partial(say, "\n".join(f"listening on {listener}" for listener in listeners))
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))  # until the loop takes them
    gc.freeze()  # a million users are not to be looked through by each collection, nor copied for each worker
    bytes(ONCE_FREED)
    if count == 1:
        Service(options, sources, stores.first, listeners).run(announce)
    else:
        _serve_with_workers(options, sources, stores, listeners, count).run(announce)
        # What is left of those that were killed, or found a mailbox locked by another one when they ended, is moved now.
        STORES[options.store](options.mail_dir, count).first.close()
        log.info("stopped")


def _serve_with_workers(
    options: argparse.Namespace, sources: Sources, stores: Stores, listeners: list[Listener], count: int
) -> Workers:
    def work(number: int, own: Sequence[Listener], parent: Parent) -> None:
        Service(options, sources, stores.of_worker(number), own).run(parent=parent)

    return Workers(count, work, stores.first, listeners, sources)


def say(text: str) -> None:
    """Prints, or ends the program when nobody can read it."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
        why = f"smtpd: cannot write to standard output: {error.strerror}"
        sys.exit(1 if isinstance(error, BrokenPipeError) else why)
