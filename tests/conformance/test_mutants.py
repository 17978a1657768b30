"""Would the kit find a wrong cell in a server's table? Our own table is the server: each cell is changed in turn.

What is not found has a reason that stands here. A part of all mutants is tried at a time; `--seed` chooses another part.
"""

from collections.abc import Callable
from functools import cache

import pytest

from protocol.engine.events import Event
from protocol.engine.replies import Reply
from protocol.engine.table import State, Transition, Written
from protocol.esmtp.table import ESMTP, Esmtp

from ..kit.conformance_mutants import is_found, named, recorded
from ..kit.esmtp_mutants import CELLS, other_cells
from ..kit.mutation import may_be_a_table, table_with

PART = 40
"""One in so many is tried."""

Reason = Callable[[State, Event, Written], bool]
S, E = Esmtp, Event


def code(cell: object) -> int:
    return cell.code if isinstance(cell, Reply) else 0


def old(state: State, event: Event) -> object:
    return ESMTP.table.cells[state][event]


def leads_elsewhere_refused(state: State, event: Event, new: Written) -> bool:
    """Only where a refusal leads is changed."""
    cell = old(state, event)
    return isinstance(cell, Transition) and isinstance(new, tuple) and new[0] is cell.accepted


UNPROVOKED = (E.VRFY, E.STARTTLS, E.AUTH, E.PROOF, E.DATA, E.BDAT, E.LAST, E.END, E.STORED, E.CHECKED)
ANY_REFUSAL = (E.EXPN, E.STARTTLS, E.BDAT, E.LAST, E.AUTH, E.PROOF)
NOBODY = (S.START, S.FRESH, S.OPENING)

LATITUDES: dict[str, Reason] = {
    "The RFCs name codes, and leave the text of a reply open.": lambda state, event, new: (
        isinstance(new, Reply) and code(new) == code(old(state, event))
    ),
    "EXPN may be refused with 500 or 502; STARTTLS, AUTH and BDAT before EHLO, or out of order, with any 5yz.": (
        lambda state, event, new: isinstance(new, Reply) and event in ANY_REFUSAL
    ),
    "VRFY, STARTTLS, AUTH, BDAT and content are not refused by our server, so where a refusal would lead is not seen.": (
        lambda state, event, new: event in UNPROVOKED and leads_elsewhere_refused(state, event, new)
    ),
    "A session that begins with TLS is another check (--tls wire).": lambda state, event, new: state is S.OPENING,
    "AUTH and STARTTLS before EHLO may be refused or carried out: no RFC says.": lambda state, event, new: (
        state in NOBODY and event in (E.AUTH, E.PROOF, E.STARTTLS)
    ),
    "An attempt at AUTH is ended at its first challenge.": lambda state, event, new: state in (S.ASKING, S.PROMPTED),
    "STARTTLS within a transaction, or behind AUTH, may be refused or carried out: no RFC says.": lambda state, event, new: (
        event is E.STARTTLS and isinstance(new, tuple) and new[0] is S.SHAKING
    ),
    "That MAIL alone suffices for DATA is seen in the row MAIL, which is walked in the clear.": lambda state, event, new: (
        state in (S.SECURE, S.KNOWN, S.PROVED) and event is E.MAIL and isinstance(new, tuple) and new[0] is S.FORWARD
    ),
    "What comes behind AUTH is walked in the clear, if clients may authenticate there.": lambda state, event, new: (
        state is S.PROVED
    ),
    "A password check that answers at once is over before the state in which it is waited for can matter.": (
        lambda state, event, new: state is S.SECURE and event is E.PROOF and isinstance(new, tuple)
    ),
}
"""Why the kit says nothing of a wrong cell."""


Wrong = tuple[State, Event, Written]


@cache
def everything() -> list[Wrong]:
    """All wrong cells. Tables are made of few of them, since that takes long."""
    return [
        (state, event, cell)
        for state, event in CELLS
        for cell in other_cells(state, event)
        if may_be_a_table(ESMTP.table, state, event, cell)
    ]


def reason(state: State, event: Event, new: Written) -> str:
    return next((why for why, holds in LATITUDES.items() if holds(state, event, new)), "")


def test_of_the_right_table_nothing_is_said() -> None:
    assert not recorded().outcome.findings and not recorded().outcome.gaps
    assert len(recorded().results) > 500 and len(everything()) > 3000


def test_each_wrong_cell_is_found_or_there_is_a_reason(seed: int) -> None:
    part = everything()[seed % PART :: PART]
    missed = [named(one[:2], one[2]) for one in part if not (reason(*one) or is_told(*one))]
    assert len(part) > 60 and not missed


def is_told(state: State, event: Event, new: Written) -> bool:
    """Whether the kit finds it, or nobody can: with it the table is none."""
    table = table_with(ESMTP.table, state, event, new)
    return table is None or is_found((state, event), table)


@pytest.mark.parametrize("why", LATITUDES)
def test_each_reason_is_needed(why: str) -> None:
    ones = [one for one in everything() if reason(*one) == why]
    assert any(not is_told(*one) for one in ones[:: max(1, len(ones) // 30)])
