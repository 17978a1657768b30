"""Commands that came before, or a whole message, take a shorter way: it is quicker, and makes no other difference."""

from collections.abc import Callable
from contextlib import nullcontext
from itertools import cycle, islice, takewhile
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.classic.grammar import parse_classic
from protocol.classic.table import CLASSIC
from protocol.engine.buffer import Buffer
from protocol.engine.dialect import Dialect
from protocol.engine.line_cache import LONGEST, MOST, LineCache
from protocol.engine.session import OUTPUT_LIMIT, STEPS_A_TURN, Session
from protocol.esmtp.grammar import parse_esmtp
from protocol.esmtp.table import ESMTP

from ...kit.esmtp import EsmtpClient, proof
from ...kit.esmtp_steps import STEPS, heard
from ...kit.support import MESSAGE, TO_DATA, Client


class Slow(Session):
    """One that always goes the long way."""

    def receive(self, data: bytes) -> None:
        self._is_quiet = False
        super().receive(data)


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4)
"""How many steps are sent together, in turns: mostly one after the other, or as who pipelines does (RFC 2920)."""


def in_segments(steps: list[bytes], sizes: list[int]) -> list[bytes]:
    rest, turns = iter(steps), cycle(sizes)
    return list(takewhile(len, (b"".join(islice(rest, size)) for size in turns)))


@given(STEPS, SIZES, st.booleans(), st.booleans())
@settings(deadline=None)
def test_both_ways_end_at_the_same_place(steps: list[bytes], sizes: list[int], is_slow: bool, mends: bool) -> None:
    segments = in_segments(steps, sizes)
    with patch("tests.kit.esmtp.Session", Slow):
        expected = heard(segments, is_slow, mends)  # and so each line is remembered now
    assert heard(segments, is_slow, mends) == expected


CLASSIC_LINES = [b"%b\r\n" % line.encode() for line in MESSAGE] + [
    b"helo\r\n", b"MAIL FROM:<a@b>\r\n", b"rcpt to: nobody\r\n", b"RCPT TO:<johndoe@b>\r\n", b"DATA\n", b"data \r\n",
    b"quit\r\n", b"x\r\n", b".\n", b"..\r\n.\r\n", b"a\r\n.\r\n", b"a\n.\r\n", b"a\n.\n", b"\r\n.\r\n", b"a\r\n..b\r\n.\r\n",
    b"a\r\n.\r\nquit\r\n", b"a", b"a.\r\n", b"x" * 1200 + b"\r\n.\r\n",
]  # fmt: skip
TRANSACTION = [line.encode() + b"\r\n" for line in TO_DATA]


@given(
    st.lists(st.sampled_from(CLASSIC_LINES).map(lambda line: [line]) | st.just(TRANSACTION), max_size=9),
    SIZES,
    st.booleans(),
)
def test_both_ways_end_at_the_same_place_in_the_classic_dialect(
    steps: list[list[bytes]], sizes: list[int], drains: bool
) -> None:
    def course(kind: type[Session]) -> tuple[object, ...]:
        with patch("tests.kit.support.Session", kind):
            client = Client(max_refusals=7)
        replies = [client.send(segment) for segment in in_segments([piece for step in steps for piece in step], sizes)]
        if drains:
            client.session.shut_down(at_once=False)
            replies += [client.hear(), client.send(b"a\r\n.\r\n"), client.send(b"helo me\r\n")]
        client.session.end_of_input()
        session = client.session
        return replies, client.hear(), client.store.boxes, client.log, session.state, session.is_agreed, session.farewell

    assert course(Session) == course(Slow)


@pytest.mark.parametrize("pipelines", [False, True])
@pytest.mark.parametrize("kind", [Client, EsmtpClient])
def test_the_usual_dialogue_goes_the_short_way(kind: Callable[[], Client | EsmtpClient], pipelines: bool) -> None:
    envelope = ["mail from:<a@b>", "rcpt to:<johndoe@b>", "data"]
    segments = ["helo me", *(["\r\n".join(envelope)] if pipelines else envelope), "x: y\r\n.", "mail from:<a@b>"]
    for never in (nullcontext(), patch.object(Buffer, "feed", side_effect=AssertionError)):  # the lines are remembered then
        client = kind()
        client.hear()
        with never:
            for segment in segments:
                heard = client.send(segment.encode() + b"\r\n")
                assert heard[-1][:1] in (b"2", b"3")
        assert len(client.store.boxes["johndoe"] if isinstance(client, Client) else client.boxes["johndoe"]) == 1


@pytest.mark.parametrize("dialect", [CLASSIC, ESMTP], ids=lambda dialect: dialect.table.name)
def test_who_does_not_read_is_not_answered_for_ever(dialect: Dialect) -> None:
    session = Client(dialect).session
    for _ in range(OUTPUT_LIMIT):
        session.receive(b"DATA\r\n")
        if not session.takes_input:
            break
    assert not session.takes_input and len(session.outgoing) < OUTPUT_LIMIT + 100


@pytest.mark.parametrize("dialect", [CLASSIC, ESMTP], ids=lambda dialect: dialect.table.name)
def test_who_pipelines_without_end_is_not_served_without_end(dialect: Dialect) -> None:
    session = Client(dialect).session
    for number in (1, STEPS_A_TURN, 10 * STEPS_A_TURN):
        del session.outgoing[:]
        session.receive(b"DATA\r\n" * number)
        assert session.outgoing.count(b"\n") <= STEPS_A_TURN and session.is_behind == (number > STEPS_A_TURN)
        while session.is_behind:
            session.resume()


def test_what_may_be_a_secret_is_not_remembered_nor_is_too_much() -> None:
    line_cache = LineCache(parse_esmtp)
    secrets = [b"AUTH PLAIN " + proof().encode(), b"AUTH LOGIN", b"c2VjcmV0", b"secret"]
    for line in (*secrets, b"BDAT 0", b"BDAT 7 LAST", b"NOOP " + b"x" * LONGEST, b"NOOP"):
        assert line_cache.meaning(line) == (*parse_esmtp(line), line)
    assert list(line_cache.known) == [b"NOOP\r\n"]
    for number in range(2 * MOST):
        line_cache.meaning(b"MAIL FROM:<a%d@b>" % number)
        assert len(line_cache.known) <= MOST


@given(st.binary(max_size=30) | st.sampled_from([b"data", b"MAIL from:<a@b>", b"rcpt to: a", b"helo x", b"helo x\r"]))
def test_a_remembered_line_means_what_it_meant(line: bytes) -> None:
    line_cache = LineCache(parse_classic)
    meaning = line_cache.meaning(line)
    assert line_cache.meaning(line) == meaning == (*parse_classic(line), line)
