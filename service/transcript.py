"""What sessions log: one line per event; with --verbose the whole dialogue.

Knows nothing about where the log goes.
"""

import logging
from functools import partial

from protocol.engine.ends import Ending
from protocol.engine.environment import Observer, Report, nobody_is_told
from protocol.engine.events import Event
from protocol.engine.replies import Reply
from protocol.engine.table import State

log = logging.getLogger("carteiro")


class Transcript:
    """An Observer that logs the lines of client and server, and the changes of state between them."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def heard(self, line: str) -> None:
        """Logs a line of the client."""
        log.debug("%s C: %s", self._peer, line)

    def moved(self, before: State, event: Event | Ending, after: State, reply: Reply | None) -> None:
        """Logs a change of state; the reply follows in `said`."""
        if after is not before:
            log.debug("%s    %s -> %s", self._peer, before.name, after.name)

    def said(self, line: str) -> None:
        """Logs a line of the server."""
        log.debug("%s S: %s", self._peer, line)


def report_for(peer: str) -> Report:
    """The Report for a session with this peer; it discards everything if the log does not show events."""
    return partial(_report, peer) if log.isEnabledFor(logging.INFO) else nobody_is_told


def observer_for(peer: str) -> Observer | None:
    """The Observer for a session with this peer; None unless the dialogue is logged."""
    return Transcript(peer) if log.isEnabledFor(logging.DEBUG) else None


def _report(peer: str, words: str, *values: object) -> None:
    log.info(f"%s {words}", peer, *values)  # noqa: G004 (the words are ours, so they hold no stray placeholders)
