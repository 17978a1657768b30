"""What the table of RFC 5321 needs beside the classic one: homes, answers of others and to challenges; and its drawings."""

import re
from collections.abc import Collection, Sequence

import pytest

from protocol.classic.table import CLASSIC, Classic
from protocol.engine import diagrams, drawing
from protocol.engine.events import ANSWERS, Event
from protocol.engine.replies import UNRECOGNIZED
from protocol.engine.table import Mark, State, Table, Transition, Written, reachable, returned_to
from protocol.esmtp.table import AUTHENTICATED, ENCRYPTED, ESMTP, EVENTS, HOMES, ROWS, Esmtp
from protocol.pop3.table import POP3

TABLE = ESMTP.table
DRAWN = drawing.text(TABLE)


def changed(state: State, event: Event, cell: Written) -> dict[State, Sequence[Written]]:
    rows: dict[State, Sequence[Written]] = dict(ROWS)
    rows[state] = [cell if v is event else old for v, old in zip(EVENTS, ROWS[state], strict=True)]
    return rows


def test_every_state_has_a_cell_for_every_verb_and_can_be_reached() -> None:
    assert {(s, v) for s in TABLE.cells for v in TABLE.cells[s]} == {(s, v) for s in Esmtp for v in EVENTS}
    assert reachable(TABLE, TABLE.steps) == set(Esmtp)
    ends = {state for state, row in TABLE.cells.items() if not any(isinstance(cell, Transition) for cell in row.values())}
    assert ends == {TABLE.closed} == {Esmtp.CLOSED}


def test_what_is_read_follows_from_the_cells() -> None:
    read: dict[Mark | None, set[State]] = {}
    for state in Esmtp:
        read.setdefault(TABLE.reading(state), set()).add(state)
    assert read.pop(Mark.TEXT) == {Esmtp.CONTENT, Esmtp.CHUNK, Esmtp.SKIPPING}
    assert read.pop(Mark.HELD) == {Esmtp.STORING, Esmtp.CHECKING, Esmtp.PROVING, Esmtp.SHAKING, Esmtp.OPENING}
    assert read.pop(Mark.RESPONSE) == {Esmtp.ASKING, Esmtp.PROMPTED} and read.pop(Mark.GONE) == {Esmtp.CLOSED}
    assert read.keys() == {None} and len(read[None]) == 9, "commands, in all others"


def test_who_is_waited_for_follows_from_the_cells() -> None:
    awaited = {Esmtp.STORING: Event.STORED, Esmtp.CHECKING: Event.CHECKED, Esmtp.SHAKING: Event.SECURED}
    awaited |= {Esmtp.OPENING: Event.SECURED, Esmtp.PROVING: Event.CHECKED}
    assert {state: TABLE.awaited(state) for state in Esmtp} == {state: awaited.get(state) for state in Esmtp}
    assert TABLE.opening is Esmtp.OPENING
    assert CLASSIC.table.opening is None and CLASSIC.table.awaited(Classic.STORING) is Event.STORED


def test_back_stands_where_a_state_could() -> None:
    assert set(returned_to(TABLE)) == {Esmtp.CLIENT, Esmtp.KNOWN, Esmtp.SECURE, Esmtp.PROVED}
    assert TABLE.homes == {Esmtp.START, Esmtp.FRESH, *returned_to(TABLE)}
    assert CLASSIC.table.homes == {Classic.CLIENT, Classic.SERVED}
    cells = TABLE.cells
    assert cells[Esmtp.REVERSE][Event.RSET] == Transition(Mark.BACK, Esmtp.REVERSE)
    assert cells[Esmtp.CONTENT][Event.END] == Transition(Esmtp.STORING, Mark.BACK)
    assert cells[Esmtp.STORING][Event.STORED] == Transition(Mark.BACK, Mark.BACK)


def with_facts(table: Table, encrypted: Collection[State], authenticated: Collection[State]) -> Table:
    rows = {state: list(row.values()) for state, row in table.cells.items()}
    return Table(
        "broken", table.events, rows, table.homes, opening=table.opening, skipping=table.skipping,
        encrypted=encrypted, authenticated=authenticated,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "event", "cell", "flaw"),
    [
        (Esmtp.START, Event.OTHER, Mark.BACK, "START: a line of any kind can come"),
        (Esmtp.START, Event.OTHER, Mark.NEVER, "START: a line of any kind can come"),
        (Esmtp.ASKING, Event.AUTH, Mark.RESPONSE, "ASKING: the exchange never ends"),
        (Esmtp.ASKING, Event.PROOF, UNRECOGNIZED, "ASKING: the exchange never ends"),
        (Esmtp.ASKING, Event.MAIL, UNRECOGNIZED, "ASKING, MAIL: no commands are read here"),
        (Esmtp.ASKING, Event.END, Esmtp.CLIENT, "ASKING, END: no commands are read here"),
        (Esmtp.CLIENT, Event.AUTH, Mark.RESPONSE, "CLIENT, AUTH: commands are read here"),
        (Esmtp.CONTENT, Event.PROOF, Esmtp.CHECKING, "CONTENT, PROOF: no commands are read here"),
        (Esmtp.CHECKING, Event.CHECKED, Mark.NEVER, "CHECKING: storage answers in the states that wait for it"),
        (Esmtp.CHECKING, Event.STORED, Mark.BACK, "CHECKING: who checks passwords answers in the states that wait"),
        (Esmtp.CHECKING, Event.SECURED, Esmtp.FRESH, "CHECKING: the handshake answers in the states that wait for it"),
        (Esmtp.SHAKING, Event.SECURED, UNRECOGNIZED, "SHAKING: the handshake answers in the states that wait for it"),
        (Esmtp.CLIENT, Event.CHECKED, Esmtp.KNOWN, "CLIENT: who checks passwords answers in the states that wait"),
        (Esmtp.CLIENT, Event.MAIL, (Esmtp.REVERSE, Mark.HELD), "CLIENT leads to Mark.HELD, which has no row"),
        (Esmtp.CLIENT, Event.MAIL, Classic.REVERSE, "CLIENT leads to Classic.REVERSE, which has no row"),
        (Esmtp.CLIENT, Event.RSET, Mark.BACK, "CLIENT: BACK is for states that several homes lead to"),
        (Esmtp.CHECKING, Event.CHECKED, (Esmtp.KNOWN, Mark.BACK), "CHECKING: BACK is for states that several homes lead"),
        (Esmtp.CLIENT, Event.EHLO, Esmtp.SECURE, "CLIENT leads to SECURE: TLS begins with a handshake, and does not end"),
        (Esmtp.FRESH, Event.EHLO, Esmtp.CLIENT, "FRESH leads to CLIENT: TLS begins with a handshake, and does not end"),
        (Esmtp.SHAKING, Event.SECURED, Esmtp.START, "CLIENT leads to START: TLS begins with a handshake"),
        (Esmtp.OPENING, Event.SECURED, Esmtp.START, "OPENING leads to START: TLS begins with a handshake"),
        (Esmtp.REVERSE, Event.RSET, Esmtp.CLIENT, "PROVED leads to CLIENT: TLS begins with a handshake"),
        (Esmtp.PROVING, Event.CHECKED, (Esmtp.KNOWN, Mark.BACK), "SECURE leads to KNOWN: TLS begins with a handshake"),
        (Esmtp.SECURE, Event.AUTH, Esmtp.ASKING, "SECURE leads to KNOWN: TLS begins with a handshake"),
        (Esmtp.CLIENT, Event.EHLO, Esmtp.KNOWN, "CLIENT leads to KNOWN: a client is authenticated by its proof"),
        (Esmtp.KNOWN, Event.EHLO, Esmtp.CLIENT, "KNOWN leads to CLIENT: a client is authenticated by its proof"),
        (Esmtp.CHECKING, Event.CHECKED, (Mark.BACK, Esmtp.KNOWN), "CLIENT leads to KNOWN: a client is authenticated by"),
        (Esmtp.CHECKING, Event.CHECKED, Esmtp.CLIENT, "CLIENT leads to CLIENT: a client is authenticated by its proof"),
        (Esmtp.SHAKING, Event.SECURED, Esmtp.PROVED, "CLIENT leads to PROVED: a client is authenticated by its proof"),
    ],
)
def test_a_table_without_sense_is_refused(state: State, event: Event, cell: Written, flaw: str) -> None:
    with pytest.raises(ValueError, match=flaw):
        Table(
            "broken", EVENTS, changed(state, event, cell), HOMES, opening=Esmtp.OPENING, skipping=Esmtp.SKIPPING,
            encrypted=ENCRYPTED, authenticated=AUTHENTICATED,
        )  # fmt: skip


def test_a_table_without_homes_cannot_lead_back() -> None:
    with pytest.raises(ValueError, match="REVERSE: BACK is for states that several homes lead to"):
        Table("broken", EVENTS, ROWS)


def test_a_home_tells_what_is_known_for_longer() -> None:
    known = {state: (state in TABLE.encrypted, state in TABLE.authenticated) for state in TABLE.homes}
    assert known == {
        Esmtp.START: (False, False), Esmtp.CLIENT: (False, False), Esmtp.KNOWN: (False, True),
        Esmtp.FRESH: (True, False), Esmtp.SECURE: (True, False), Esmtp.PROVED: (True, True),
    }  # fmt: skip
    rows = TABLE.rows
    assert {state: (rows[state].is_encrypted, rows[state].is_authenticated) for state in TABLE.homes} == known


@pytest.mark.parametrize(("table", "state"), [(table, state) for table in (TABLE, POP3.table) for state in table.states])
def test_each_wrong_fact_is_refused(table: Table, state: State) -> None:
    """Whichever state is said to be encrypted, or authenticated, or not to be."""
    for facts in ((table.encrypted ^ {state}, table.authenticated), (table.encrypted, table.authenticated ^ {state})):
        with pytest.raises(ValueError, match=state.name):
            with_facts(table, *facts)
    with_facts(table, table.encrypted, table.authenticated)


# Drawings


def test_refusals_have_names_of_their_own() -> None:
    refusals = re.findall(r"^(\S+) +refused with \d+ (.+); nothing changes$", DRAWN, re.MULTILINE)
    assert len(refusals) == len(dict(refusals)) == len({text for _, text in refusals}) == 8
    names = {name for row in drawing.columns(TABLE) for cell in row for name in cell}
    assert dict(refusals).keys() <= names


def test_verbs_that_are_alike_share_a_column() -> None:
    groups = drawing.alike(TABLE)
    assert [Event.EHLO, Event.HELO] in groups and [Event.NOOP, Event.HELP, Event.VRFY, Event.EXPN] in groups


def test_the_text_explains_back_and_every_mark() -> None:
    assert "BACK     back to the state in which the transaction began: one of CLIENT, KNOWN, SECURE, PROVED" in DRAWN
    assert "response is a response to a challenge" in DRAWN
    assert "answer to a" not in drawing.text(CLASSIC.table)


def test_the_text_says_what_the_homes_tell() -> None:
    homes = "homes    what is known in START, CLIENT, KNOWN, FRESH, SECURE, PROVED holds until the next of them"
    facts = ["encrypted: FRESH, SECURE, PROVED", "authenticated: KNOWN, PROVED"]
    assert drawing.legend(TABLE)[-3:] == [homes, *(f"{'':9}{fact}" for fact in facts)]
    assert drawing.legend(POP3.table)[-1] == f"{'':9}encrypted: FRESH"
    assert "homes " not in drawing.text(CLASSIC.table)


def test_what_leads_back_is_named() -> None:
    arrows = re.findall(r"^    (\w+) --> (\w+): (.+)$", diagrams.mermaid(TABLE), re.MULTILINE)
    labels = {(start, label) for start, end, words in arrows if end == "BACK" for label in words.split(", ")}
    assert {("STORING", "stored or not stored"), ("CHUNK", "refused"), ("FORWARD", "rset")} <= labels
    assert {label for start, _, label in arrows if start == "BACK"} == {"if it began there"}


def test_nothing_that_can_happen_lacks_an_arrow() -> None:
    """Every event that leads anywhere is named at least once."""
    named = {name for words in re.findall(r": (.+)$", diagrams.mermaid(TABLE), re.MULTILINE) for name in words.split(", ")}
    assert {"ehlo X", "mail from A", "bdat N last", "auth M X", "starttls", "right", "encrypted", "its end", "quit"} <= named
    assert not {"noop", "help", "other"} & named
    fetching = {Event.FOUND, Event.FETCHED, Event.SENT, Event.REMOVED}
    assert set(ANSWERS) - set(TABLE.events) == fetching, "nobody is looked up elsewhere, and no mail is fetched"
