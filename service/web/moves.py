"""What follows from the counts of moves: what was refused, how sessions ended, TLS, names and passwords.

Knows nothing about where the counts come from.
"""

from collections.abc import Callable
from typing import NamedTuple

from protocol.engine.ends import Ending
from protocol.engine.events import Event
from protocol.engine.replies import REFUSALS

from .tally import Labels

SHAKING = ("SHAKING", "OPENING")
"""States in which a TLS handshake is due."""

_ENDINGS = frozenset(Ending.__members__)
_CONTENT = (Event.END.name, Event.STORED.name)
_AUTH = (Event.AUTH.name, Event.PROOF.name, Event.CHECKED.name)
_VERDICTS = {235: "success", 535: "failure", 454: "unchecked"}


class _Move(NamedTuple):
    """The labels of a count."""

    before: str
    event: str
    after: str
    code: int
    """Of the reply; 0 if there was none."""


class Moves:
    """Counts by the names of the state before, the event and the state after, and the code of the reply or ""."""

    def __init__(self, counts: dict[Labels, float]) -> None:
        self._counts = [
            (_Move(before, event, after, int(code or 0)), count) for (before, event, after, code), count in counts.items()
        ]

    @property
    def refusals(self) -> dict[Labels, float]:
        """Commands and messages that were refused, by code. The last words of the server are none."""
        return self._by(lambda move: str(move.code), lambda move: move.event not in _ENDINGS and move.code >= REFUSALS)

    @property
    def refused(self) -> dict[Labels, float]:
        """Messages of which the content came, and that were refused."""
        is_refused = self._by(
            lambda move: "", lambda move: move.event in _CONTENT and move.before != "SKIPPING" and move.code >= REFUSALS
        )
        return {(): sum(is_refused.values())}

    @property
    def ends(self) -> dict[Labels, float]:
        """Sessions that are over: by an ending, or QUIT."""
        names = (*Ending.__members__, Event.QUIT.name)
        return self._by(lambda move: move.event, lambda move: move.after == "CLOSED", names)

    @property
    def handshakes(self) -> dict[Labels, float]:
        """TLS handshakes that were made (each is a session under TLS), and sessions that ended when one was due."""

        def outcome(move: _Move) -> str:
            return "success" if move.event == Event.SECURED.name else "failure"

        return self._by(outcome, lambda move: move.before in SHAKING, ("success", "failure"))

    @property
    def authentications(self) -> dict[Labels, float]:
        """Names and passwords: that were right, that were wrong, and that could not be checked at the time."""
        return self._by(
            lambda move: _VERDICTS[move.code],
            lambda move: move.event in _AUTH and move.code in _VERDICTS,
            tuple(_VERDICTS.values()),
        )

    def _by(
        self, label: Callable[[_Move], str], is_meant: Callable[[_Move], bool], labels: tuple[str, ...] = ()
    ) -> dict[Labels, float]:
        """Sums of the counts that are meant, by a label. These labels are there in any case."""
        found: dict[Labels, float] = {(name,): 0 for name in labels}
        for move, count in self._counts:
            if is_meant(move):
                key = (label(move),)
                found[key] = found.get(key, 0) + count
        return found
