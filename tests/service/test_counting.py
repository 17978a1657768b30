"""What is counted of sessions: each move once, and each session in one state until it is over, however that comes."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.engine.ends import Ending
from protocol.engine.events import Event
from protocol.engine.table import State
from protocol.esmtp.table import ESMTP
from service.counting import MOST_NEW, Counts, rows_of_store
from service.snapshots import Row
from storage.stores.discard import DiscardStore

from ..kit.cutting import pieces_of
from ..kit.esmtp import Checker, EsmtpClient
from ..kit.esmtp_streams import CUTS, STREAM

TABLE = ESMTP.table
WAYS_OUT = ("hang_up", "time_out", "break_down", "stop", "drain", "end", "quit", "browser")


def leave(client: EsmtpClient, way: str) -> None:
    """Ends a session in some way; at the very end of each, the connection is gone."""
    session = client.session
    calls: dict[str, Any] = {
        "hang_up": session.hang_up,
        "time_out": session.time_out,
        "break_down": session.break_down,
        "stop": lambda: session.shut_down(at_once=True),
        "drain": lambda: session.shut_down(at_once=False),
        "end": session.end_of_input,
        "quit": lambda: client.send(b"QUIT\r\n"),
        "browser": lambda: client.send(b"GET / HTTP/1.1\r\n"),
    }
    calls[way]()
    session.hang_up()
    session.hang_up()


def begun(counts: Counts, is_encrypted: bool = False) -> EsmtpClient:
    client = EsmtpClient(
        has_tls=True,
        authenticate=Checker(),
        authenticates_in_clear=True,
        max_refusals=3,
        is_encrypted=is_encrypted,
        follow=counts.follow,
    )
    counts.begun(TABLE.opening if is_encrypted and TABLE.opening else TABLE.start)
    return client


def now(counts: Counts) -> dict[State, int]:
    return {state: number for state, number in counts.sessions(TABLE.closed).items() if number}


@given(st.lists(st.tuples(STREAM, CUTS, st.sampled_from(WAYS_OUT), st.booleans()), max_size=4))
def test_sessions_are_counted_in_their_states_and_none_is_left(
    sessions: list[tuple[bytes, list[int], str, bool]],
) -> None:
    counts = Counts()
    clients = [begun(counts, is_encrypted) for _, _, _, is_encrypted in sessions]
    for client, (stream, cuts, _, _) in zip(clients, sessions, strict=True):
        for piece in pieces_of(stream, cuts):
            client.send(piece)
            open_ones = [other.session.state for other in clients if other.session.state is not TABLE.closed]
            assert now(counts) == Counter(open_ones)
    for client, (_, _, way, _) in zip(clients, sessions, strict=True):
        leave(client, way)
    assert now(counts) == {}
    assert sum(row.value for row in counts.rows(TABLE.closed) if row.is_gauge) == 0
    ends = sum(row.value for row in counts.rows(TABLE.closed) if row.name == "moves" and row.labels[2] == "CLOSED")
    assert ends == len(clients)


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("lines", ["", "EHLO me", "STARTTLS", "MAIL FROM:<a@b>", "RCPT TO:<johndoe>", "DATA", "text"])
def test_each_way_out_of_each_state(lines: str, way: str) -> None:
    script = ["", "EHLO me", "STARTTLS", "MAIL FROM:<a@b>", "RCPT TO:<johndoe>", "DATA", "text"]
    counts = Counts()
    client = begun(counts)
    for line in script[1 : script.index(lines) + 1]:
        if line != "STARTTLS" or lines == line:
            client.send(line.encode() + b"\r\n")
    assert sum(now(counts).values()) == 1
    leave(client, way)
    assert now(counts) == {}


def test_rows_say_what_happened() -> None:
    counts = Counts()
    client = begun(counts)
    client.send(b"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nobody>\r\nRCPT TO:<johndoe>\r\nDATA\r\n")
    client.send(b"hello\r\n.\r\n")
    counts.stored(7)
    counts.synced(0.5)
    counts.moved(0.25)
    counts.moved(0.5)
    rows = {(row.name, row.labels): row.value for row in counts.rows(TABLE.closed)}
    assert rows["moves", ("REVERSE", Event.RCPT.name, "REVERSE", "550")] == 1
    assert rows["moves", ("CONTENT", "END", "STORING", "")] == rows["moves", ("STORING", "STORED", "CLIENT", "250")] == 1
    assert (rows["accepted", ()], rows["messages", ()], rows["octets", ()]) == (1, 1, 7)
    assert (rows["syncs", ()], rows["syncing", ()], rows["slices", ()], rows["moving", ()]) == (1, 0.5, 2, 0.75)
    assert rows["sessions", ("CLIENT",)] == 1 and rows["cpu", ()] > 0
    follow = counts.follow
    counts.forget()
    rows = {(row.name, row.labels): row.value for row in counts.rows(TABLE.closed)}
    assert not [key for key in rows if key[0] in ("moves", "sessions")] and rows["messages", ()] == 0
    follow((TABLE.start, Ending.GONE, TABLE.closed, 0))
    assert Row("moves", ("START", "GONE", "CLOSED", ""), 1) in counts.rows(TABLE.closed), "who follows goes on"


def test_a_store_that_cannot_tell_how_it_stands_says_nothing() -> None:
    assert list(rows_of_store(DiscardStore())) == []


def test_moves_are_added_up_when_they_are_many() -> None:
    counts = Counts()
    for _ in range(2 * MOST_NEW):
        counts.follow((TABLE.start, Event.NOOP, TABLE.start, 250))
        counts.add_up()
        assert len(counts._new) <= MOST_NEW
    assert Row("moves", ("START", "NOOP", "START", "250"), 2 * MOST_NEW) in counts.rows(TABLE.closed)
