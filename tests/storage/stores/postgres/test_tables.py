"""What a connection and a message may do, stated a second time; each other cell is found."""

from enum import Enum

import pytest

from storage.stores.postgres import link_table, message_table
from storage.stores.postgres.link_table import Act as LinkAct
from storage.stores.postgres.link_table import Event as LinkEvent
from storage.stores.postgres.link_table import State as Link
from storage.stores.postgres.message_table import Act, Event, State
from storage.stores.postgres.tables import NEVER, total

SENT = {State.FLYING, State.RETRIED, State.FORSAKEN}
WAITS = {State.WAITING, State.SUSPECT, State.DOUBT, State.DOUBTED_SUSPECT}
DOUBTED = {State.DOUBT, State.DOUBTED_SUSPECT, State.RETRIED, State.FORSAKEN}
OUTCOMES = {Event.CLEAN, Event.FULL, Event.GROUP_FLAWED, Event.FLAWED, Event.FAILED, Event.UNSURE}
AT_THE_END = {Event.COMPLETE, Event.CROWDED, Event.AWAY, Event.ABANDON}
SAYS = {
    Event.CROWDED: "no room",
    Event.AWAY: "try later",
    Event.CLEAN: "accept",
    Event.FULL: "no room",
    Event.FLAWED: "never try",
    Event.LATE: "try later",
}


def expected(state: State, event: Event) -> "tuple[State, Act] | None":
    """By the words: what is sent is answered once; who was told otherwise than what may be stored has it taken back."""
    if state is State.ARRIVING and event in AT_THE_END:
        if event is Event.COMPLETE:
            return State.WAITING, Act.QUEUE
        return State.REFUSED, Act.DROP if event is Event.ABANDON else act(SAYS[event], False)
    if state in WAITS and event is Event.SENT:
        return (State.RETRIED if state in DOUBTED else State.FLYING), Act.SEND
    if state in WAITS and event is Event.LATE:
        return (State.UNDONE if state in DOUBTED else State.REFUSED), act("try later", state in DOUBTED)
    if state is State.FORSAKEN and event in OUTCOMES:
        return State.UNDONE, Act.TAKE_BACK
    if state in SENT - {State.FORSAKEN} and event in OUTCOMES | {Event.LATE}:
        return after_sending(state in DOUBTED, event)
    return None


def after_sending(was_in_doubt: bool, event: Event) -> "tuple[State, Act]":
    """An error rolls back what was sent this time, and says nothing of what was sent before."""
    if event is Event.LATE:
        return State.FORSAKEN, Act.TRY_LATER
    if event is Event.CLEAN:
        return State.STORED, Act.ACCEPT
    if event is Event.GROUP_FLAWED:
        return (State.DOUBTED_SUSPECT if was_in_doubt else State.SUSPECT), Act.QUEUE
    if event in (Event.FAILED, Event.UNSURE):
        return (State.DOUBT if was_in_doubt or event is Event.UNSURE else State.WAITING), Act.AGAIN
    return (State.UNDONE if was_in_doubt else State.REFUSED), act(SAYS[event], was_in_doubt)


def act(says: str, is_taken_back: bool) -> Act:
    return Act[says.upper().replace(" ", "_") + ("_BACK" if is_taken_back else "")]


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("state", list(State))
def test_a_message_does_what_the_words_say(state: State, event: Event) -> None:
    cell = message_table.TABLE[state][event]
    assert (cell if isinstance(cell, tuple) else None) == expected(state, event)


HAS_CONNECTION = {Link.CONNECTING, Link.CHECKING, Link.READY, Link.BUSY}


def expected_of_link(state: Link, event: LinkEvent) -> "tuple[Link, LinkAct] | None":
    """By the words: a connection is asked before it is used; one thing is sent at a time; no answer is doubt."""
    if event is LinkEvent.CLOSE:
        return Link.CLOSED, LinkAct.DOUBT if state is Link.BUSY else LinkAct.END
    if event is LinkEvent.DUE and state in (Link.DOWN, Link.READY):
        return (Link.CONNECTING, LinkAct.DIAL) if state is Link.DOWN else (Link.READY, LinkAct.BEAT)
    if event in (LinkEvent.DUE, LinkEvent.LOST) and state in HAS_CONNECTION:
        return Link.DOWN, LinkAct.DOUBT if state is Link.BUSY else LinkAct.DROP
    steps: dict[tuple[Link, LinkEvent], tuple[Link, LinkAct]] = {
        (Link.CONNECTING, LinkEvent.CONNECTED): (Link.CHECKING, LinkAct.ASK),
        (Link.CHECKING, LinkEvent.CHECKED): (Link.READY, LinkAct.OFFER),
        (Link.CHECKING, LinkEvent.UNFIT): (Link.DOWN, LinkAct.DROP),
        (Link.READY, LinkEvent.SENT): (Link.BUSY, LinkAct.SEND),
        (Link.BUSY, LinkEvent.ANSWERED): (Link.READY, LinkAct.TELL),
        (Link.BUSY, LinkEvent.SPOILED): (Link.DOWN, LinkAct.SPOIL),
    }
    return steps.get((state, event))


@pytest.mark.parametrize("event", list(LinkEvent))
@pytest.mark.parametrize("state", list(Link))
def test_a_link_does_what_the_words_say(state: Link, event: LinkEvent) -> None:
    cell = link_table.TABLE[state][event]
    assert (cell if isinstance(cell, tuple) else None) == expected_of_link(state, event)


class Lamp(Enum):
    OFF = "dark"
    ON = "bright"


class Press(Enum):
    UP = "up"


class Does(Enum):
    CLICK = "click"


def test_a_table_with_a_hole_is_none() -> None:
    with pytest.raises(ValueError, match="ON has no row"):
        total("x", tuple(Lamp), tuple(Press), {Lamp.OFF: [(Lamp.ON, Does.CLICK)]})
    with pytest.raises(ValueError, match="ON cannot be reached"):
        total("x", tuple(Lamp), tuple(Press), {Lamp.OFF: [NEVER], Lamp.ON: [NEVER]})
    with pytest.raises(ValueError, match="OFF has 2 cells for 1 events"):
        total("x", tuple(Lamp), tuple(Press), {Lamp.OFF: [(Lamp.ON, Does.CLICK)] * 2, Lamp.ON: [(Lamp.ON, Does.CLICK)]})
