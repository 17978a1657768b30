"""The dialect of RFC 5321 keeps the order of commands: every line in every situation, and in random histories."""

import pytest
from hypothesis import given

from protocol.engine.dialect import Dialect
from protocol.engine.events import Event
from protocol.esmtp.actions import EsmtpActions
from protocol.esmtp.grammar import parse_esmtp
from protocol.esmtp.table import ESMTP, Esmtp

from ...kit.esmtp_dialogues import SITUATIONS, Talk, check_order, known_after
from ...kit.esmtp_histories import Ordering
from ...kit.esmtp_ordering import BDAT, EHLO, FILL, MAIL, NOOP, RCPT, SECURED, STARTTLS, Known
from ...kit.walks import HISTORY, walk, wander

pytestmark = pytest.mark.no_cover  # which would take most of its time


def test_every_line_and_answer_in_every_situation() -> None:
    check_order(ESMTP)


def test_no_place_is_left_out() -> None:
    transaction = {"reverse-path", "recipients", "mail data", "chunk", "chunks", "last chunk", "storing"}
    proof = {"asked for all", "asked for name", "asked for secret", "checking"}
    places = {known_after(opening).place for opening in SITUATIONS.values()}
    assert places == {"nobody", "client", "handshake", "goodbye"} | transaction | proof


def test_what_came_before_the_handshake_is_complete_is_thrown_away() -> None:
    """Whether in one segment with STARTTLS, or later."""
    talk = Talk(ESMTP, Known())
    talk.take(EHLO, 0)
    assert talk.take(f"{STARTTLS}\r\n{NOOP}\r\n{NOOP}", 0) == ["220 2.0.0 Begin the TLS handshake"]
    assert talk.take(f"{NOOP}\r\nhalf", 0) == []
    assert talk.take(SECURED, 0) == []
    assert talk.take(EHLO, 0) == ["250 AUTH PLAIN LOGIN"]


def test_a_refused_chunk_leads_where_the_cell_says() -> None:
    table = ESMTP.table.overlaid({(Esmtp.FORWARD, Event.BDAT): (Esmtp.CHUNK, Esmtp.REVERSE)})
    talk = Talk(Dialect(table, parse_esmtp, EsmtpActions), Known(lacks=frozenset({"bdat"})))
    for line in (EHLO, MAIL, RCPT, BDAT):
        talk.take(line, 0)
    assert talk.client.session.state is Esmtp.SKIPPING, "its octets have not come"
    assert talk.take(FILL, 2000) == ["502 5.5.1 Command not offered"]
    assert talk.client.session.state.name == "REVERSE"


@given(HISTORY)
def test_short_histories(seeds: list[int]) -> None:
    walk(Ordering(ESMTP), seeds)


def test_random_histories(seed: int) -> None:
    wander(lambda: Ordering(ESMTP), 300, seed)
