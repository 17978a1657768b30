"""Who observes a session is told each move, and the moves are those of the table: so what it counts is what happened."""

from typing import NamedTuple

from hypothesis import given, settings

from protocol.engine.ends import Ending
from protocol.engine.environment import Move
from protocol.engine.events import Event
from protocol.engine.replies import Reply
from protocol.engine.table import Mark, State, Transition
from protocol.esmtp.table import ESMTP, HOMES

from ...kit.cutting import pieces_of
from ...kit.esmtp import Checker, EsmtpClient
from ...kit.esmtp_streams import CUTS, STREAM

TABLE = ESMTP.table


class Moved(NamedTuple):
    before: State
    event: Event | Ending
    after: State
    reply: Reply | None


class Moves:
    """All that was told."""

    def __init__(self) -> None:
        self.moves: list[Moved] = []
        self.lines: list[str] = []
        self.transcript: list[str] = []

    def heard(self, line: str) -> None:
        self.transcript.append(line)

    def moved(self, before: State, event: Event | Ending, after: State, reply: Reply | None) -> None:
        self.moves.append(Moved(before, event, after, reply))

    def said(self, line: str) -> None:
        self.lines.append(line)


def is_of_the_table(move: Moved) -> bool:
    """Whether this is what the table has for it; a line whose syntax is refused changes nothing."""
    before, event, after, reply = move
    if isinstance(event, Ending):
        says = TABLE.ends[event].says
        return after is TABLE.closed and (reply.code if reply else None) == (says.code if says else None)
    if event is Event.OPENED:
        return after is before and reply is not None and reply.code == 220
    cell = TABLE.cells[before][event]
    if event in (Event.BDAT, Event.LAST) and after is TABLE.skipping:
        return reply is None and not isinstance(cell, Mark)
    if before is TABLE.skipping:
        return reply is not None and reply.code >= 400 and cell == Transition(Mark.STAY, Mark.STAY)
    if reply is not None and reply.code >= 500 and after is before:
        return not isinstance(cell, Mark)
    if isinstance(cell, Reply):
        return reply is cell and after is before
    assert isinstance(cell, Transition)
    is_refused = reply is not None and reply.code >= 400
    target = cell.refused if is_refused else cell.accepted
    return after in HOMES if target is Mark.BACK else after is target


@settings(max_examples=500)
@given(STREAM, CUTS)
def test_each_move_is_one_of_the_table_and_none_is_left_out(stream: bytes, cuts: list[int]) -> None:
    moves = Moves()
    followed: list[Move] = []
    client = EsmtpClient(
        has_tls=True, authenticate=Checker(), authenticates_in_clear=True, max_refusals=3, observer=moves,
        follow=followed.append,
    )  # fmt: skip
    heard = list(client.greeting)
    for piece in pieces_of(stream, cuts):
        heard += client.send(piece)
        if client.session.wants_tls:
            client.session.secured()
    client.session.end_of_input()
    heard += client.hear()
    client.session.hang_up()
    assert moves.moves[0].event is Event.OPENED
    for move, following in zip(moves.moves, moves.moves[1:], strict=False):
        assert move.after is following.before, "no move is left out"
    assert moves.moves[-1].after is client.session.state is TABLE.closed
    for move in moves.moves:
        assert is_of_the_table(move), move
    assert len(moves.lines) == len(heard)
    assert sum(move.reply is not None for move in moves.moves) == sum(line[3:4] == b" " for line in heard)
    same = [(before, event, after, reply.code if reply else 0) for before, event, after, reply in moves.moves]
    assert followed == same, "who follows hears of the same moves"


def test_a_secret_behind_a_word_that_is_free_is_not_shown() -> None:
    moves = Moves()
    client = EsmtpClient(observer=moves)
    client.say("EHLO me", "NOOP open", "XAUTH sesame", "NOOP sesame", "NOOP")
    assert moves.transcript[-4:] == ["NOOP open", "...", "NOOP ...", "NOOP"]


def test_one_may_follow_where_nobody_observes() -> None:
    followed: list[Move] = []
    client = EsmtpClient(follow=followed.append)
    client.say("NOOP")
    assert [(event, code) for _, event, _, code in followed] == [(Event.OPENED, 220), (Event.NOOP, 250)]


def test_who_counts_messages_hears_of_those_that_were_stored() -> None:
    stored: list[int] = []
    client = EsmtpClient(stored=stored.append)
    client.say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<johndoe@here.example>", "DATA")
    client.send(b"..x\r\n.\r\n")
    assert stored == [len(b".x\r\n")]
    client.say("MAIL FROM:<a@b>", "RCPT TO:<johndoe@here.example>", "RSET")
    assert len(stored) == 1
