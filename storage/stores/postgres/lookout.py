"""Looks out for another primary while the one that is used keeps silent.

Knows nothing about what was sent.

A primary that stands still, or that the network is cut from, closes no connection: it does not answer, as one does not whose
disk is slow, or whose commits wait for a standby. Time alone cannot tell these apart. To give up a slow one early would make
it slower yet, since all has to be sent again; so a link waits long (`SILENCE_SECONDS` of `link`). But there is a sign that
does not err: another host says that it is the primary, on a higher timeline. So after LOOKOUT_SECONDS of silence the other
hosts are asked, again and again; and when one says so, links to the old primary are given up at once.

Where there is one address, it is asked itself: it may be one that moves from one machine to the next with the primary.
"""

from .hosts import Hosts
from .link import Link, Setting

LOOKOUT_SECONDS = 1.0
"""Of silence, after which the other hosts are asked."""


class Lookout:
    """Asks the hosts of a process over links of its own, which are never used for anything else."""

    def __init__(self, setting: Setting, hosts: Hosts) -> None:
        self._setting = setting
        self._hosts = hosts
        self._links: list[Link] = []

    def look(self, silent: Link | None) -> None:
        """Asks all hosts but that of a silent link, or the only one; until this is called without one while some connection
        is in use.
        """
        if silent and not self._links:
            self._hosts.doubt(silent.host)
            others = [number for number in range(len(self._hosts)) if number != silent.host] or [silent.host]
            self._links = [Link(self._setting._replace(asked=number), self, {}) for number in others]
        elif not silent and self._links and self._hosts.is_used:
            self.close()
            self._hosts.trust()

    def close(self) -> None:
        """Ends the asking."""
        for link in self._links:
            link.close()
        self._links = []

    def free(self, link: Link) -> None:
        """Never: a link that only asks is never free."""

    def beat(self, link: Link) -> None:
        """Never, too."""

    def notified(self, link: Link) -> None:
        """Never, too."""
