"""What a session does beside the order of commands: sizes, refusals, time, storage, and the ways in which it ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.classic.table import Classic
from protocol.engine.dialect import Dialect
from protocol.engine.environment import Policy
from protocol.engine.events import Event
from protocol.engine.refusals import LOGGED_REFUSALS
from protocol.engine.session import OUTPUT_LIMIT, STEPS_A_TURN
from protocol.esmtp.actions import EsmtpActions
from protocol.esmtp.grammar import parse_esmtp
from protocol.esmtp.table import ESMTP

from ...kit.support import MESSAGE, NOW, TO_DATA, Client, DiskIsFull, Kept

REFUSED = b"500 Syntax error, command unrecognized"


def test_a_whole_dialogue_word_for_word() -> None:
    client = Client()
    assert client.hear() == [b"220 mx.test carteiro SMTP at your service"]
    assert client.say("HELO Me.Example") == [b"250 Hello Me.Example, pleased to meet you"]
    assert client.say("MAIL FROM:<JohnDoe@Example>") == [b"250 johndoe@example Sender ok"]
    assert client.say("rcpt to: nobody@here") == [b"550 Address unknown"]
    assert client.say("mail from:<>") == [b"250 <> Sender ok"]
    assert client.say("rcpt to: JohnDoe@Example") == [b"250 johndoe@example Recipient ok"]
    assert client.say("data") == [b'354 Enter mail, end with "." on a line by itself']
    assert client.say("Hello") == []
    assert client.say(".") == [b"250 Message accepted for delivery"]
    assert client.say("quit") == [b"221 mx.test closing connection"]
    client.session.hang_up()
    assert client.session.is_finished and client.session.farewell == "quit"
    assert client.store.boxes == {"johndoe": [Kept(b"", b"johndoe@example", b"Hello\r\n")]}


def test_the_received_field_says_who_gave_what_to_whom_and_when() -> None:
    client = Client()
    client.say(*MESSAGE)
    assert client.store.traces == [
        b"Received: from me ([192.0.2.1])\r\n\tby mx.test (carteiro) with SMTP id m1\r\n"
        b"\tfor <johndoe>; Mon, 21 Sep 2026 14:13:20 +0000\r\n"
    ]
    assert NOW == 1_790_000_000


def test_a_name_cannot_break_the_received_field() -> None:
    client = Client()
    client.say("helo a(b);c\\é", *MESSAGE[1:])
    assert client.store.traces[0].startswith(b"Received: from a?b??c??? ([192.0.2.1])\r\n")


def test_a_mailbox_is_found_by_what_stands_before_the_last_at() -> None:
    for address in ("johndoe", "johnDoe@example", "<johndoe@example.example>", "johndoe@"):
        assert Client().codes("helo x", "mail from: a", f"rcpt to: {address}") == [250], address
    for address in ("johndoe@example@example", "@johndoe", "john", "johndoe.txt", "../johndoe", "\N{KELVIN SIGN}"):
        assert Client().codes("helo x", "mail from: a", f"rcpt to: {address}") == [550], address


def test_a_line_over_the_limit_is_refused_once_when_it_ends() -> None:
    client = Client()
    assert client.send(b"x" * 10_000) == [b"220 mx.test carteiro SMTP at your service"]
    assert client.send(b"x" * 10_000 + b"\r\n") == [REFUSED]
    assert client.codes("helo me") == [250]


def test_a_message_over_the_limit_is_read_to_its_end_and_refused() -> None:
    client = Client(max_message_size=12)
    client.say(*TO_DATA)
    assert client.send(b"12345678901\r\nmail from: x\r\nquit\r\n") == []
    assert client.store.abandoned == 1
    assert client.say("..", ".") == [b"552 Message larger than 12 octets"]
    assert client.store.boxes == {} and client.store.abandoned == 1
    assert client.codes("quit") == [500]
    assert client.codes("mail from: a@b", "rcpt to: johndoe", "data", "..8901234567", ".") == [552]
    assert client.codes("mail from: a@b", "rcpt to: johndoe", "data", "..89012345", ".") == [250]
    assert client.store.boxes["johndoe"][0].content == b".89012345\r\n"


@pytest.mark.parametrize(("kind", "code"), [("no room", 452), ("for now", 451), ("for good", 554)])
def test_a_storage_failure_says_whether_to_try_again_and_the_session_goes_on(kind: Any, code: int) -> None:
    client = Client()
    client.store.fault = DiskIsFull(kind)
    assert client.codes(*MESSAGE) == [code]
    assert client.codes("quit") == [500]
    client.store.fault = None
    assert client.codes(*MESSAGE[1:]) == [250]
    client.store.fault = DiskIsFull(kind)
    assert client.codes(*MESSAGE[1:]) == [code]
    assert client.codes("quit") == [221]
    assert any("not stored (disk full): mailbox johndoe, 7 octets" in line for line in client.log)


def test_the_log_has_a_line_for_each_message_and_refusal_and_no_control_character() -> None:
    client = Client()
    client.say("\x1b[2J\x07\r", *MESSAGE, "noop " + "x" * 500)
    assert client.log[0] == r"refused with 500 Syntax error, command unrecognized: b'\x1b[2J\x07\r'"
    assert client.log[1] == (
        "message m1 stored: mailbox johndoe, 7 octets, 0.0 ms; client 'me', no Message-ID; from <a@b> to <johndoe>"
    )
    assert len(client.log[2]) < 200
    assert all(line.isprintable() for line in client.log)


# Waiting for storage


def test_nothing_is_answered_before_the_message_is_on_disk() -> None:
    client = Client(disk_is_slow=True)
    client.say(*TO_DATA)
    assert client.send(b"hello\r\n.\r\nnoop\r\nquit\r\nnoop\r\n") == []
    assert not client.session.takes_input
    assert client.session.state is Classic.STORING
    client.session.resume()
    assert client.hear() == [] and client.wakes == 0
    client.settle()
    assert client.wakes == 1
    assert client.hear() == [b"250 Message accepted for delivery", REFUSED, b"221 mx.test closing connection"]


def test_storage_answers_a_session_that_waits_and_no_other() -> None:
    client = Client()
    client.say("helo me")
    with pytest.raises(RuntimeError, match=r"STORED in .*CLIENT.*NEVER"):
        client.session._command((Event.STORED, b"", b""))


# The ways to end


def test_what_was_sent_before_the_end_is_answered() -> None:
    client = Client(disk_is_slow=True)
    client.hear()
    client.session.receive("\r\n".join([*MESSAGE, "quit", ""]).encode())
    client.session.end_of_input()
    assert not client.session.is_finished
    client.settle()
    assert [line[:3] for line in client.hear()] == [b"250", b"250", b"250", b"354", b"250", b"221"]


@pytest.mark.parametrize("sent", [MESSAGE[:n] for n in range(len(MESSAGE))])
def test_a_client_that_leaves_early_leaves_nothing(sent: tuple[str, ...]) -> None:
    for leave in ("end_of_input", "hang_up"):
        client = Client()
        client.say(*sent)
        client.send(b"half a line")
        getattr(client.session, leave)()
        assert client.session.is_finished
        assert client.hear() == [] and client.store.boxes == {}
        assert client.store.abandoned == (len(sent) >= len(TO_DATA))


def test_a_complete_message_is_kept_though_its_client_is_gone() -> None:
    client = Client(disk_is_slow=True)
    client.say(*MESSAGE)
    client.session.hang_up()
    client.settle()
    assert len(client.store.boxes["johndoe"]) == 1
    assert client.session.is_finished and client.hear() == []


def test_too_many_refusals_in_a_row_close_the_connection() -> None:
    client = Client(max_refusals=3)
    client.say("noop", "noop", "helo me", "noop", "noop")
    assert client.say("noop") == [REFUSED, b"421 mx.test closing connection, too many commands were refused"]
    assert client.session.is_finished
    assert client.say("noop") == []


def test_refusals_have_no_limit_unless_one_is_asked_for() -> None:
    client = Client()
    for _ in range(1000):
        assert client.say("noop")[-1] == REFUSED
    assert client.codes("helo me") == [250]


def test_an_idle_client_is_told_and_its_message_forgotten() -> None:
    client = Client()
    client.say(*TO_DATA)
    client.session.time_out()
    assert client.hear() == [b"421 mx.test closing connection, idle for too long"]
    assert client.session.is_finished and client.store.abandoned == 1
    client.session.time_out()
    client.session.break_down()
    assert client.hear() == []


def test_an_error_of_ours_is_a_421() -> None:
    client = Client()
    client.hear()
    client.session.break_down()
    assert client.hear() == [b"421 mx.test closing connection, internal error"]
    assert client.session.farewell == "internal error"


GOODBYE = b"421 mx.test closing connection, the server is shutting down"


def test_shutting_down_ends_a_session_between_messages_at_once() -> None:
    for sent in (MESSAGE[:0], MESSAGE[:1], MESSAGE[:3], MESSAGE):
        client = Client()
        client.say(*sent)
        client.session.shut_down(False)
        assert client.hear()[-1] == GOODBYE and client.session.is_finished


def test_shutting_down_lets_a_message_end() -> None:
    client = Client()
    client.say(*TO_DATA)
    client.session.shut_down(False)
    assert client.hear() == [] and not client.session.is_finished
    assert client.send(b"hello\r\n.\r\nmail from: x\r\n") == [b"250 Message accepted for delivery", GOODBYE]
    assert client.store.boxes["johndoe"][0].content == b"hello\r\n"


def test_shutting_down_at_once_does_not() -> None:
    client = Client()
    client.say(*TO_DATA)
    client.session.shut_down(True)
    assert client.hear() == [GOODBYE]
    assert client.store.abandoned == 1


# Bounded memory


def unheard(client: Client) -> int:
    """How many replies wait; they are heard."""
    heard = client.session.outgoing.count(b"\r\n")
    client.session.outgoing.clear()
    return heard


def test_replies_that_nobody_reads_hold_up_the_commands_and_none_is_lost() -> None:
    client = Client()
    client.hear()
    client.say("helo " + "x" * 900)
    client.session.receive(b"\n" * 100 + b"helo x\n" * 9_900)
    client.session.resume()
    while len(client.session.outgoing) < OUTPUT_LIMIT:
        client.session.resume()
    assert len(client.session.outgoing) < OUTPUT_LIMIT + STEPS_A_TURN * 100
    assert client.session.is_behind and not client.session.takes_input
    heard = unheard(client)
    while client.session.is_behind:
        assert not client.session.takes_input, "what came is carried out before more is taken"
        client.session.resume()
        heard += unheard(client)
    assert heard == 10_000 and client.session.takes_input


def test_the_stance_tells_when_something_else_is_wanted() -> None:
    client = Client(disk_is_slow=True)
    interests = []
    for line in ("helo me", "mail from: a@b", "rcpt to: johndoe", "data", "x", ".", None, "quit"):
        client.say(line) if line else client.settle()
        interests.append(client.session.interest)
    assert len({id(interest) for interest in interests}) == 3, "read, held, gone"
    assert [interest is interests[0] for interest in interests] == [True] * 5 + [False, True, False]


def test_who_sends_many_commands_at_once_gets_a_share_of_the_turn() -> None:
    client = Client()
    client.hear()
    client.session.receive(b"noop\n" * 120)
    assert [unheard(client)] == [STEPS_A_TURN]
    client.session.resume()
    assert [unheard(client), client.session.is_behind] == [STEPS_A_TURN, True]
    client.session.resume()
    assert [unheard(client), client.session.is_behind] == [20, False]


def test_the_end_of_input_waits_for_the_commands_before_it() -> None:
    client = Client()
    client.hear()
    client.session.receive(b"\n" * 120)
    client.session.end_of_input()
    assert not client.session.is_finished
    client.session.resume()
    assert client.session.is_finished and unheard(client) == 120


def test_a_flood_of_refusals_is_not_a_flood_of_log_lines() -> None:
    client = Client()
    client.say(*["noop"] * 100, "helo me", "noop")
    assert len(client.log) == LOGGED_REFUSALS + 1
    assert client.log[LOGGED_REFUSALS - 1].endswith("b'noop' (more in a row are not logged)")


@given(st.binary(max_size=200), st.lists(st.binary(max_size=30), max_size=5))
def test_no_bytes_make_it_fail(opening: bytes, pieces: list[bytes]) -> None:
    client = Client()
    client.say(*TO_DATA[: len(opening) % 5])
    for piece in [opening, *pieces]:
        for line in client.send(piece):
            assert line[:3].isdigit()


def test_its_actions_hear_of_each_other_home_once() -> None:
    homes: list[str] = []

    class Told(EsmtpActions):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "home":
                homes.append(value.state.name)
            super().__setattr__(name, value)

    client = Client(Dialect(ESMTP.table, parse_esmtp, Told), policy=Policy(has_tls=True))
    client.say("NOOP", "EHLO me", "EHLO me", "RSET", "MAIL FROM:<a@b>", "RCPT TO:<johndoe@b>", "DATA", "x", ".", "NOOP")
    client.say("MAIL FROM:<a@b>", "EHLO me", "STARTTLS")
    client.session.secured()
    client.say("NOOP", "HELO me", "MAIL FROM:<a@b>", "RSET", "QUIT")
    assert homes == ["START", "CLIENT", "FRESH", "SECURE"]


def test_a_session_wants_no_tls() -> None:
    session = Client().session
    session.secured()
    assert not session.wants_tls and session.patience == float("inf")
