"""The classic dialect for a server that asks another one which mailboxes there are: RCPT waits, in a state of its own.

Shows that any action can wait if the table is changed, and nothing else.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from protocol.classic.actions import ClassicActions
from protocol.classic.grammar import parse_classic
from protocol.classic.table import CLASSIC, Classic
from protocol.engine.actions import Outcome, Pending
from protocol.engine.dialect import Dialect
from protocol.engine.events import Event
from protocol.engine.replies import Reply
from protocol.engine.table import Mark, State, Written


class Waiting(State):
    """One more state."""

    LOOKING = "a forward-path is being looked up"


CELLS: dict[tuple[State, Event], Written] = {
    (Classic.REVERSE, Event.RCPT): (Waiting.LOOKING, Mark.BACK),
    **{(state, Event.FOUND): Mark.NEVER for state in Classic},
    **{(Waiting.LOOKING, event): Mark.HELD for event in CLASSIC.table.events},
    (Waiting.LOOKING, Event.STORED): Mark.NEVER,
    (Waiting.LOOKING, Event.FOUND): (Classic.FORWARD, Mark.BACK),
}
TABLE = CLASSIC.table.overlaid(CELLS, "lookup")

Asked = list[Callable[[], None]]
"""Functions that answer the look-ups under way, in order."""


class LookupActions:
    """The actions of the classic dialect, except that RCPT waits for its answer."""

    def __init__(self, asked: Asked, *given: Any) -> None:
        self._asked = asked
        self._classic = ClassicActions(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._classic, name)

    def _rcpt(self, forward_path: bytes) -> Pending:
        def ask(hear: Callable[[Reply], None]) -> None:
            self._asked.append(lambda: hear(_classic(Event.RCPT, self, forward_path)))

        return ask

    by_event: ClassVar[Mapping[Event, Callable[[Any, Any], Outcome]]]


def _classic(event: Event, actions: LookupActions, argument: object) -> Any:
    return ClassicActions.by_event[event](actions._classic, argument)


LookupActions.by_event = {event: partial(_classic, event) for event in ClassicActions.by_event} | {
    Event.RCPT: LookupActions._rcpt
}


def lookup(asked: Asked) -> Dialect:
    """The dialect. Each look-up puts its answer into `asked`."""
    return Dialect(TABLE, parse_classic, partial(LookupActions, asked))
