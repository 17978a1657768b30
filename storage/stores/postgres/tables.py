"""Tables of states and events: a cell for every pair of them, and the check that none is missing.

Knows nothing about what a state means, or what is done.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Literal, NamedTuple, TypeVar

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)
A = TypeVar("A", bound=Enum)


class Never(Enum):
    """A cell of a pair that does not occur."""

    NEVER = "cannot happen"


NEVER: Literal[Never.NEVER] = Never.NEVER

Cells = dict[S, dict[E, tuple[S, A] | Literal[Never.NEVER]]]
"""For each state and event: the state that follows, and what is done then."""


class Drawn(NamedTuple):
    """A table, for who draws it. The values of states, events and acts are text for people; the first state is the start."""

    name: str
    cells: Mapping[Any, Mapping[Any, Any]]


def total(
    name: str, states: Sequence[S], events: Sequence[E], rows: Mapping[S, Sequence[tuple[S, A] | Literal[Never.NEVER]]]
) -> "Cells[S, E, A]":
    """The cells of these rows. Raises ValueError with all flaws: a table has no default."""
    flaws = [f"{state.name} has no row" for state in states if state not in rows]
    flaws += [
        f"{state.name} has {len(row)} cells for {len(events)} events"
        for state, row in rows.items()
        if len(row) != len(events)
    ]
    targets = {cell[0] for row in rows.values() for cell in row if isinstance(cell, tuple)}
    flaws += [f"{state.name} cannot be reached" for state in states[1:] if state not in targets]
    if flaws:
        raise ValueError(f"table {name}: " + "; ".join(flaws))
    return {state: dict(zip(events, row, strict=True)) for state, row in rows.items()}
