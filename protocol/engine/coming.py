"""The endings of a session that were announced, and which of them are due.

Knows nothing about how a session ends.
"""

from collections.abc import Mapping

from .ends import End, Ending, Wait
from .events import Event
from .table import Mark, Row


class Coming:
    """What will end a session as soon as all that it waits for is done. `ends` says what that is.

    `takes_commands`: commands that came before are still to be carried out.
    """

    __slots__ = ("_ends", "announced", "takes_commands")

    def __init__(self, ends: Mapping[Ending, End]) -> None:
        self._ends = ends
        self.announced: tuple[Ending, ...] = ()
        self.takes_commands = True

    def add(self, ending: Ending) -> None:
        """Announces an ending."""
        self.announced = *self.announced, ending
        self.takes_commands = all(Wait.COMMANDS in self._ends[ending].waits for ending in self.announced)

    def due(self, row: Row) -> list[Ending]:
        """Those that wait for nothing any more, in this state, once all input is processed."""
        is_content = row.reading is Mark.TEXT and not row.returns
        pending = {
            Wait.STORED: row.awaited is Event.STORED,
            Wait.CONTENT: is_content,
            Wait.ANSWER: row.awaited not in (None, Event.SECURED),
            Wait.COMMANDS: False,
        }
        return [ending for ending in self.announced if not any(pending[wait] for wait in self._ends[ending].waits)]
