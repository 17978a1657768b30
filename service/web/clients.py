"""The latest sessions of clients, and what they did against the RFCs (--fussy), as the API tells them.

They are kept in memory only: another process of the page begins with none. Knows nothing about how they are found out.
"""

from collections import deque
from datetime import UTC, datetime

from protocol.fussy.rules import RULES
from web.environment import ClientRemark, ClientSession

from ..judged import Judged

MOST_SESSIONS = 1000


class Clients:
    """The latest MOST_SESSIONS sessions."""

    def __init__(self) -> None:
        self._judged: deque[Judged] = deque(maxlen=MOST_SESSIONS)

    def take(self, judged: Judged) -> None:
        """A session is over."""
        self._judged.append(judged)

    def latest(self, most: int) -> list[ClientSession]:
        """So many sessions, or all that are known: those that ended last come first."""
        return [_told(judged) for judged, _ in zip(reversed(self._judged), range(most), strict=False)]


def _told(judged: Judged) -> ClientSession:
    return {
        "Ended": datetime.fromtimestamp(judged.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "Client": judged.peer,
        "Name": judged.name,
        "Commands": judged.commands,
        "Messages": judged.messages,
        "Stored": judged.stored,
        "Remarks": [_remark(*remark) for remark in judged.remarks if remark[0] in RULES],
    }


def _remark(id: str, times: int, example: str) -> ClientRemark:
    rule = RULES[id]
    return {
        "Rule": id,
        "Section": rule.section,
        "Level": rule.level,
        "Words": rule.words,
        "Instead": rule.instead,
        "Times": times,
        "Example": example,
    }
