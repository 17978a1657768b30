"""What becomes of what is found of clients (--fussy): lines of the log, and a datagram for whoever shows them.

Knows nothing about how it is found. A datagram goes the way of the figures: nobody has to take it.
"""

import logging
import time
from collections.abc import Callable

from protocol.engine.environment import Follow, Observer, Report, Site
from protocol.engine.shown import quoted, shown
from protocol.fussy.critic import Critic, Remark
from protocol.fussy.overheard import Overheard

from .judged import Judged, datagram

log = logging.getLogger("carteiro")


class Fussy:
    """Examines the clients of a serving process. `tell` sends a datagram to whoever shows them; None: nobody does."""

    def __init__(self, tell: Callable[[bytes], None] | None = None) -> None:
        self._tell = tell
        self._hurried = ""

    def hurried(self, peer: str) -> None:
        """The client that is about to be accepted has spoken before."""
        self._hurried = peer

    def session(
        self,
        peer: str,
        site: Site,
        address: str,
        report: Report,
        wake: Callable[[], None],
        is_encrypted: bool,
        observer: Observer | None,
        follow: Follow | None,
    ) -> Overheard:
        """A session with this client, beside which a critic listens. The other arguments are those of `Session`."""

        def tell(critic: Critic) -> None:
            self._judged(peer, report, critic)

        def broke() -> None:
            log.exception("%s: it cannot be told what this client did against the RFCs", peer)  # noqa: LOG004 (it is called there)

        overheard = Overheard(site, address, report, wake, is_encrypted, observer, follow, tell=tell, broke=broke)
        if self._hurried == peer:
            overheard.hurried()
        self._hurried = ""
        return overheard

    def _judged(self, peer: str, report: Report, critic: Critic) -> None:
        for remark in critic.remarks:
            report("%s", words(remark))
        if not critic.remarks:
            report("fussy: nothing to remark (commands: %d, messages: %d)", critic.commands, critic.messages)
        if self._tell:
            remarks = [(remark.rule.id, remark.times, remark.example) for remark in critic.remarks]
            judged = Judged(time.time(), peer, shown(critic.name), critic.commands, critic.messages, remarks, critic.stored)
            self._tell(datagram(judged))


def words(remark: Remark) -> str:
    """A remark as a line of the log."""
    rule, times, example = remark
    often = "" if times == 1 else f", {times} times"
    shows = f", as {quoted(example.encode())}" if example else ""
    return f"fussy: {rule.id}: it {rule.words}{often}{shows} ({rule.section}, {rule.level}): {rule.instead}"
