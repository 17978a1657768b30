"""What sessions tell the log: one line per event, or with --verbose the whole dialogue.

It does not know where the log is written to.
"""

import logging
from functools import partial

from protocol.engine.ends import Ending
from protocol.engine.environment import Observer, Report, nobody_is_told
from protocol.engine.replies import Reply
from protocol.engine.table import Event, State

log = logging.getLogger("carteiro")


class Transcript:
    """An Observer that logs the lines of client and server, and the states between them."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def heard(self, line: str) -> None:
        """The client has sent this."""
        log.debug("%s C: %s", self._peer, line)

    def moved(self, before: State, event: Event | Ending, after: State, reply: Reply | None) -> None:
        """Only a change of state is logged."""
        if after is not before:
            log.debug("%s    %s -> %s", self._peer, before.name, after.name)

    def said(self, line: str) -> None:
        """The client is sent this."""
        log.debug("%s S: %s", self._peer, line)


def report_for(peer: str) -> Report:
    """What a session with this peer reports its events to."""
    return partial(_report, peer) if log.isEnabledFor(logging.INFO) else nobody_is_told


def observer_for(peer: str) -> Observer | None:
    """What observes a session with this peer, if the dialogue is logged."""
    return Transcript(peer) if log.isEnabledFor(logging.DEBUG) else None


def _report(peer: str, words: str, *values: object) -> None:
    log.info(f"%s {words}", peer, *values)  # noqa: G004 (the words are ours, the values are not)
