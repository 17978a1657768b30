"""What a session of RFC 5321 does beside the order of commands: its ends while it waits, its patience, its log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.classic.actions import ClassicActions
from protocol.esmtp.table import ESMTP

from ...kit.esmtp import TO_RCPT, EsmtpClient
from ...kit.esmtp_dialogues import SITUATIONS, Steps, Talk, known_after
from ...kit.esmtp_ordering import (
    CHECKED,
    FAILED,
    FILL,
    LOGIN,
    NAME,
    PROOF,
    PROOF_WRONG,
    SECURED,
    STORED,
    UNKNOWN,
    Known,
    expected,
)

WAY = [
    pytest.param(opening, id=name) for name, opening in SITUATIONS.items() if name.startswith(("in the", "a hand", "nobody"))
]
SHUTTING_DOWN = "421 4.3.2 mx.test closing connection, the server is shutting down"
ANSWERS = (FILL, STORED, FAILED, CHECKED, UNKNOWN, SECURED)


def led_to(opening: Steps) -> Talk:
    now, talk = Known(), Talk(ESMTP, Known())
    for step in opening:
        talk.take(step, now.due)
        _, now = expected(now, step)
    return talk


def heard(talk: Talk) -> list[str]:
    return [line.decode() for line in talk.client.hear()]


@pytest.mark.parametrize("leave", ["hang_up", "end_of_input"])
@pytest.mark.parametrize("opening", WAY)
def test_who_leaves_leaves_nothing_behind(opening: Steps, leave: str) -> None:
    """Only what has ended is still stored; whoever else is waited for is not any more, and can answer without harm."""
    talk = led_to(opening)
    begun = known_after(opening).place
    kept = sum(map(len, talk.client.store.boxes.values()))
    getattr(talk.client.session, leave)()
    assert talk.client.session.is_finished == (leave == "hang_up" or begun != "storing")
    assert talk.taken_back == (begun == "checking")
    for event in (STORED, CHECKED, SECURED):
        talk.take(event, 0)
    assert talk.client.session.is_finished and not talk.client.session.takes_input
    assert sum(map(len, talk.client.store.boxes.values())) == kept + (begun == "storing")


@pytest.mark.parametrize("opening", WAY)
def test_shutting_down_waits_for_a_message_and_for_nothing_else(opening: Steps) -> None:
    talk = led_to(opening)
    now = known_after(opening)
    talk.client.session.shut_down(False)
    if now.place in ("mail data", "chunk", "last chunk", "storing"):
        assert heard(talk) == []
        assert SHUTTING_DOWN in [*talk.take(".", 0), *talk.take(FILL, max(0, now.due - 3)), *talk.take(STORED, 0)]
    elif now.place != "goodbye":
        assert heard(talk) == [SHUTTING_DOWN]
    assert talk.client.session.is_finished


def test_a_question_that_was_answered_is_not_taken_back() -> None:
    talk = led_to(("ehlo me", PROOF, CHECKED, "rset", "quit"))
    assert not talk.taken_back and talk.client.session.is_finished


def test_a_client_is_given_the_time_that_the_rfc_asks_for() -> None:
    minutes = {"storing": 10, "checking": 10, "handshake": 1}
    for opening in SITUATIONS.values():
        place = known_after(opening).place
        patience = led_to(opening).client.session.patience
        if place == "goodbye":
            assert patience == float("inf")
        else:
            assert patience == 60 * minutes.get(place, 5), place


@pytest.mark.parametrize(
    "lines",
    [
        ("auth foo hunter2",),
        ("auth plain !hunter2",),
        ("ehlo me", PROOF_WRONG.replace("AG", "hunter2", 1)),
        ("ehlo me", PROOF_WRONG, CHECKED, "hunter2"),
        ("ehlo me", LOGIN, NAME, "!hunter2"),
        ("ehlo me", LOGIN, "!", "hunter2"),
        ("hunter2",),
    ],
)
def test_the_log_tells_no_secret(lines: Steps) -> None:
    talk = led_to(lines)
    assert talk.client.log and not any("hunter2" in line for line in talk.client.log)


@given(st.sampled_from(list(SITUATIONS.values())), st.lists(st.binary(max_size=30), max_size=5))
def test_no_bytes_make_it_fail(opening: Steps, pieces: list[bytes]) -> None:
    talk = led_to(opening)
    for piece in pieces:
        for line in talk.client.send(piece):
            assert line[:3].isdigit()
        for event in ANSWERS:
            talk.take(event, 0)


def test_the_classic_dialect_has_neither_challenges_nor_handshakes() -> None:
    actions = object.__new__(ClassicActions)
    with pytest.raises(NotImplementedError):
        actions.take_response(b"")
    with pytest.raises(NotImplementedError):
        actions.secured()


def test_a_command_that_is_not_carried_out_any_more_has_not_ended_wrongly() -> None:
    client = EsmtpClient()
    client.say(*TO_RCPT, "data")
    client.session.shut_down(False)
    client.send(b"text\r\n.\r\nQUIT\r\n")
    assert client.session.is_finished and not [line for line in client.log if "LF alone" in line]
