"""How long the dialect of RFC 5321 is patient, how often it refuses, and the ways in which a session of it ends."""

from typing import Any

import pytest

from protocol.engine.refusals import EXCUSED, LOGGED_REFUSALS
from protocol.esmtp.table import Esmtp

from ...kit.esmtp import EHLO, FROM, TO, TO_RCPT, Checker, EsmtpClient, proof


def test_patience_is_that_of_section_4_5_3_2() -> None:
    client = EsmtpClient(has_tls=True, authenticate=Checker(is_slow=True), authenticates_in_clear=True, disk_is_slow=True)
    patience = [client.session.patience]
    for line in (EHLO, "auth login", "eA==", "eA=="):
        client.say(line)
        patience.append(client.session.patience)
    assert patience == [300, 300, 300, 300, 600]
    client = EsmtpClient(disk_is_slow=True, has_tls=True)
    patience = []
    for line in (*TO_RCPT, "data", "x", "."):
        client.say(line)
        patience.append(client.session.patience)
    assert patience == [300, 300, 300, 300, 300, 600]
    client.settle()
    assert client.codes("starttls") == [220] and client.session.patience == 60


def test_who_waits_for_us_in_vain_is_told_that_it_is_not_his_silence() -> None:
    words = b"421 4.3.0 mx.test closing connection, there was no answer in time, try again later"
    client = EsmtpClient(disk_is_slow=True)
    client.say(*TO_RCPT, "data", "x", ".")
    client.session.time_out()
    assert client.hear() == [words]
    client = EsmtpClient(authenticate=Checker(is_slow=True), authenticates_in_clear=True)
    client.say(EHLO, f"auth plain {proof()}")
    client.session.time_out()
    assert client.hear() == [words]


def test_too_many_refusals_in_a_row_close_the_connection() -> None:
    client = EsmtpClient(max_refusals=3)
    client.say("xyz", "data", "noop", "xyz", "bdat 0")
    assert client.say("mail from") == [
        b"503 5.5.1 Send EHLO or HELO first",
        b"421 4.7.0 mx.test closing connection, too many commands were refused",
    ]
    assert client.session.is_finished and client.say("noop") == []


def test_refused_chunks_and_answers_to_challenges_count_as_refusals() -> None:
    client = EsmtpClient(max_refusals=3, authenticate=Checker(), authenticates_in_clear=True)
    assert [client.codes(line) for line in (EHLO, "bdat 0", "auth plain =")][1:] == [[503], [501]]
    assert client.codes("auth plain", "*") == [501, 421]


def test_who_is_told_to_try_again_is_not_sent_away_for_it() -> None:
    checker = Checker(is_able=False)
    client = EsmtpClient(max_refusals=2, max_messages=1, authenticate=checker, authenticates_in_clear=True)
    client.say(EHLO)
    assert [client.codes(f"auth plain {proof()}") for _ in range(5)] == [[454]] * 5
    client.say(FROM, TO, "data", "x", ".")
    assert [client.codes(FROM) for _ in range(5)] == [[452]] * 5
    assert client.codes("xyz") == [500] and client.codes("xyz") == [500, 421]


def test_what_was_pipelined_behind_a_refused_mail_is_not_held_against_the_client() -> None:
    """RFC 2920 section 3.1: it was sent before the client could know."""
    client = EsmtpClient(max_refusals=3)
    client.say(EHLO)
    too_large = FROM + " size=1001"
    replies = client.send("\r\n".join([too_large, *[TO] * 200, "data", "noop", ""]).encode())
    assert [reply[:3] for reply in replies] == [b"552"] + [b"503"] * 201 + [b"250"]
    assert client.codes(*[TO] * 2) == [503] and client.codes(TO) == [503, 421], "without such a MAIL they count"


def test_but_there_is_an_end_of_that() -> None:
    client = EsmtpClient(max_refusals=3)
    client.say(EHLO)
    client.codes(FROM + " size=1001")
    assert [client.codes(TO) for _ in range(EXCUSED)] == [[503]] * EXCUSED
    assert client.codes(TO) == [503] and client.codes(TO) == [503, 421]
    early = EsmtpClient(max_refusals=3)
    assert [early.codes(FROM) for _ in range(3)] == [[503], [503], [503, 421]], "a MAIL that is too early excuses nothing"


def test_guessing_secrets_is_refused_in_a_row() -> None:
    """Neither a challenge nor a check that goes on is a success."""
    client = EsmtpClient(max_refusals=4, authenticate=Checker(), authenticates_in_clear=True)
    client.say(EHLO)
    for _ in range(3):
        assert client.codes(f"auth plain {proof(secret=b'x')}") == [535]
    assert client.codes("noop") == [250]
    for _ in range(3):
        assert client.codes("auth login", "eA==", "eA==") == [535]
    assert client.codes(f"auth plain {proof(secret=b'x')}") == [535, 421]


def test_a_flood_of_refusals_is_not_a_flood_of_log_lines() -> None:
    client = EsmtpClient()
    client.say(*["xyz"] * 100, "noop", "xyz")
    assert len(client.log) == LOGGED_REFUSALS + 1


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda session: session.time_out(), b"421 4.4.2 mx.test closing connection, idle for too long"),
        (lambda session: session.shut_down(True), b"421 4.3.2 mx.test closing connection, the server is shutting down"),
        (lambda session: session.break_down(), b"421 4.3.0 mx.test closing connection, internal error"),
    ],
)
def test_a_421_can_come_at_any_time_and_leaves_nothing(end: Any, words: bytes) -> None:
    for opening in ((), (EHLO,), TO_RCPT, (*TO_RCPT, "data", "x"), (*TO_RCPT, "bdat 0"), (*TO_RCPT, "bdat 9", "x")):
        client = EsmtpClient()
        client.say(*opening)
        end(client.session)
        assert client.hear() == [words] and client.session.state is Esmtp.CLOSED
        assert client.send(b"x\r\n.\r\nnoop\r\n") == [] and client.boxes == {}
        assert client.store.memory.abandoned == (len(opening) > 3)


def test_a_message_that_is_coming_may_end_when_the_server_stops() -> None:
    for lines in (("data", "x", "."), ("bdat 3 last", "x")):
        client = EsmtpClient()
        client.say(*TO_RCPT, lines[0])
        client.session.shut_down(False)
        assert client.hear() == []
        assert [reply[:3] for reply in client.say(*lines[1:])] == [b"250", b"421"]
        assert client.contents == [b"x\r\n"]


def test_a_client_that_leaves_early_leaves_nothing() -> None:
    for opening in (
        TO_RCPT,
        (*TO_RCPT, "data", "x"),
        (*TO_RCPT, "bdat 0"),
        (*TO_RCPT, "bdat 9 last", "x"),
        (EHLO, "bdat 9"),
    ):
        client = EsmtpClient()
        client.say(*opening)
        client.session.end_of_input()
        assert client.session.is_finished and client.hear() == [] and client.boxes == {}
