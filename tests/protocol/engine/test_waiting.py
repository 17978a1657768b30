"""Any action may wait for somebody outside: here RCPT, in a state that an overlay adds to the table."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.classic.table import CLASSIC, Classic
from protocol.engine import drawing
from protocol.engine.events import Event
from protocol.engine.replies import UNRECOGNIZED
from protocol.engine.table import Mark

from ...kit.lookup import CELLS, TABLE, Asked, Waiting, lookup
from ...kit.support import Client

DIALOGUE = (
    b"helo me\r\nmail from: a\r\nrcpt to: nobody\r\nmail from: a\r\nrcpt to: johndoe\r\nrcpt to: johndoe\r\ndata\r\n"
    b"hello\r\n.\r\nmail from: a\r\nrcpt to: babydoe\r\n"
)
CODES = [220, 250, 250, 550, 250, 250, 500, 354, 250, 250, 250]


class Waiter(Client):
    """A client of that dialect, whose look-ups are answered when the test says so."""

    def __init__(self) -> None:
        self.asked: Asked = []
        super().__init__(lookup(self.asked))

    def answer(self) -> None:
        while self.asked:
            self.asked.pop(0)()
            self.session.resume()

    def all_codes(self, pieces: list[bytes]) -> list[int]:
        heard = self.hear()
        for piece in pieces:
            heard += self.send(piece)
            while self.asked:
                self.answer()
                heard += self.hear()
        return [int(line[:3]) for line in heard]


@given(st.lists(st.integers(0, len(DIALOGUE))))
def test_it_waits_and_goes_on_however_the_dialogue_is_cut(cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(DIALOGUE)]
    client = Waiter()
    assert client.all_codes([DIALOGUE[first:last] for first, last in pairwise(at)]) == CODES
    assert [kept.content for kept in client.store.boxes["johndoe"]] == [b"hello\r\n"]
    assert client.session.state is Classic.FORWARD


def test_while_it_waits_nothing_is_read_and_it_has_a_limit() -> None:
    client = Waiter()
    assert client.codes("helo me", "mail from: a", "rcpt to: johndoe") == []
    assert client.session.state is Waiting.LOOKING and not client.session.takes_input
    assert client.session.patience == 600.0
    client.session.time_out()
    assert client.hear()[0].startswith(b"421")
    client.answer()
    assert client.hear() == [] and client.session.is_finished


@pytest.mark.parametrize("at_once", [False, True])
def test_a_server_that_stops_does_not_wait_for_it(at_once: bool) -> None:
    client = Waiter()
    client.say("helo me", "mail from: a", "rcpt to: johndoe")
    client.session.shut_down(at_once)
    assert client.hear()[0].startswith(b"421") and client.session.is_finished


def test_the_table_shows_it() -> None:
    drawn = drawing.text(TABLE)
    assert "LOOKING  a forward-path is being looked up" in drawn and "found?" in drawn
    assert CLASSIC.table.cells[Classic.REVERSE][Event.RCPT] != TABLE.cells[Classic.REVERSE][Event.RCPT]
    assert Waiting.LOOKING not in CLASSIC.table.cells


def test_what_an_overlay_leaves_out_is_said() -> None:
    cells = {place: cell for place, cell in CELLS.items() if place != (Waiting.LOOKING, Event.QUIT)}
    with pytest.raises(ValueError, match="table lookup: LOOKING has no cell for QUIT"):
        CLASSIC.table.overlaid(cells, "lookup")
    with pytest.raises(ValueError, match="START has no cell for FOUND"):
        CLASSIC.table.overlaid({(Classic.REVERSE, Event.FOUND): Mark.NEVER})


def test_an_overlay_may_change_one_cell_and_nothing_else() -> None:
    changed = CLASSIC.table.overlaid(
        {(Classic.SERVED, Event.QUIT): UNRECOGNIZED, (Classic.CLIENT, Event.QUIT): Classic.CLOSED}
    )
    assert changed.cells[Classic.SERVED][Event.QUIT] == UNRECOGNIZED and changed.name == "classic"
    assert (changed.states, changed.events, changed.ends) == (CLASSIC.table.states, CLASSIC.table.events, CLASSIC.table.ends)
    same = changed.overlaid({(Classic.SERVED, Event.QUIT): Classic.CLOSED, (Classic.CLIENT, Event.QUIT): UNRECOGNIZED})
    assert same.cells == CLASSIC.table.cells
