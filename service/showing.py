"""The page beside the server: its sockets, which it inherits, and its process, which is started again whenever it ends.

The server keeps the sockets, so that clients wait a moment when the page has ended, and are not refused. With --metrics
alone there is no page, but a smaller process in its place, which tells figures only. Knows nothing about what either does.
"""

import argparse
import json
import socket
from collections.abc import Callable
from pathlib import Path

from protocol.engine.table import State
from reactor.companion import Companion
from reactor.loop import Reactor
from reactor.stream import addresses
from reactor.stream.listener import listening
from storage.accounts.passwords import Passwords
from storage.contract import Meter, Store
from storage.errors import StorageError, words
from storage.mailboxes.told import Tell

from .commands import FRUGAL, REREAD, command_of
from .kinds import POSTGRES, where_of
from .listeners import Listener
from .metering import Metering
from .notices import Notices
from .page_settings import Settings


class Showing:
    """The page of a mail directory, and figures. `closed` is the state in which SMTP sessions are over.

    Raises ListenError if it cannot listen, AuthFileError if nobody could come in, and StorageError.
    """

    def __init__(self, options: argparse.Namespace, closed: State) -> None:
        if options.web_auth_file:
            Passwords(options.web_auth_file)
        if options.store == POSTGRES:  # the other stores make it themselves; here only the index is in it
            _make(options.mail_dir)
        self._options = options
        self._sockets = _listening(options.web, "--web")
        self._figures = _listening(options.metrics, "--metrics")
        self._companion: Companion | None = None
        self._notices = Notices(options.mail_dir) if options.web else None
        self.metering = Metering(closed, self._notices)

    @property
    def ears(self) -> tuple[Tell | None, Meter]:
        """What hears of mail that is put in mailboxes, and what of the work that it takes."""
        return self._notices.moved if self._notices else None, self.metering.counts

    @property
    def lines(self) -> list[str]:
        """What to tell people: where the page is, and the figures."""
        page = [f"showing mail on {_url(sock)}{self._options.web_root}/" for sock in self._sockets]
        return [*page, *(f"telling figures on {_url(sock)}/metrics" for sock in self._figures)]

    def join(
        self,
        reactor: Reactor,
        listeners: list[Listener],
        restarts: Callable[[], dict[str, int]] = dict,
        store: Store | None = None,
    ) -> None:
        """Starts the page, and keeps it running as long as the reactor runs.

        `restarts` tells how often other kinds of processes were started again; `store` is this process's own, if it has one
        and serves no clients.
        """
        descriptors = tuple(sock.fileno() for sock in self._sockets)
        figures = tuple(sock.fileno() for sock in self._figures)
        plain = [listener for listener in listeners if not listener.is_encrypted]
        smtp = plain[0].sockets[0].getsockname()[:2] if plain else ("", 0)
        options = self._options
        settings = Settings(
            directory=str(options.mail_dir),
            kind=options.store,
            descriptors=descriptors,
            where=where_of(options),
            level=options.level,
            root=options.web_root,
            hosts=tuple(options.web_host),
            origins=tuple(options.web_origin),
            admins=tuple(options.web_admin),
            auth_file=str(options.web_auth_file or ""),
            smtp=smtp,
            figures=figures,
            any_host=options.metrics_public,
            is_fussy=options.fussy,
            metering=self.metering.descriptors,
        )
        program, name = ("page", "the page") if options.web else ("monitor", "the monitor")
        inherited = (*descriptors, *figures, *settings.metering)
        command = command_of(f"web.{program}", json.dumps(settings._asdict()))
        companion = self._companion = Companion(reactor, name, command, descriptors=inherited, environment=FRUGAL)
        companion.start()
        self.metering.accompany(reactor, lambda: {program: max(0, companion.starts - 1), **restarts()}, store)

    def reread(self) -> None:
        """The page reads its file of names again."""
        if self._companion:
            self._companion.say(REREAD)

    @property
    def pid(self) -> int | None:
        """The page's process id, while it runs."""
        return self._companion.pid if self._companion else None

    def disown(self, number: int) -> None:
        """In a forked worker: closes what is the parent's, and counts for itself."""
        self._close_sockets()
        self.metering.begin_anew(number)

    def close(self) -> None:
        """Ends the page."""
        if self._companion:
            self._companion.close()
        self._close_sockets()
        self.metering.close()
        if self._notices:
            self._notices.close()

    def _close_sockets(self) -> None:
        for sock in (*self._sockets, *self._figures):
            sock.close()


def _make(directory: Path) -> None:
    """Makes a directory for its owner only. Raises StorageError."""
    try:
        directory.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"--mail-dir {directory}: {words(error)}") from error


def _listening(address: tuple[str, int] | None, flag: str) -> list[socket.socket]:
    return [sock for (sock,) in listening(*address, 1, flag)] if address else []


def _url(sock: socket.socket) -> str:
    return f"http://{addresses.name(*sock.getsockname()[:2])}"
