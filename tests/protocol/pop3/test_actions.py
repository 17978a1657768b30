"""What the commands of POP3 do, over a session: who may come in, what is sent, what is removed."""

import re

import pytest

from protocol.engine.ends import Ending
from protocol.engine.events import Event
from protocol.engine.replies import Reply
from protocol.engine.table import State
from protocol.pop3.outside import Unopened
from protocol.pop3.sending import LINES_A_PIECE
from protocol.pop3.table import Pop3

from ...kit.pop3 import LOGIN, Outside, PopClient, proof


class Witness:
    """An observer that remembers what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def heard(self, line: str) -> None:
        self.lines.append(f"C: {line}")

    def moved(self, before: State, event: Event | Ending, after: State, reply: Reply | None) -> None:
        self.lines.append(f"{before.name} {after.name}")

    def said(self, line: str) -> None:
        self.lines.append(f"S: {line}")


def capabilities(client: PopClient) -> set[str]:
    first, *lines, dot, end = client.say("capa").decode().split("\r\n")
    assert first.startswith("+OK") and (dot, end) == (".", "")
    return set(lines)


ALWAYS = {"TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "IMPLEMENTATION carteiro"}


def test_capa_says_what_is_possible_now() -> None:
    logins = {"USER", "SASL PLAIN LOGIN"}
    assert capabilities(PopClient()) == ALWAYS | logins | {"STLS"}
    assert capabilities(PopClient(has_tls=False)) == ALWAYS | logins
    client = PopClient(takes_clear=False)
    assert capabilities(client) == ALWAYS | {"STLS"}
    client.say("stls")
    client.session.secured()
    assert capabilities(client) == ALWAYS | logins
    client.say(*LOGIN)
    assert capabilities(client) == ALWAYS | logins


def test_auth_alone_lists_mechanisms() -> None:
    assert PopClient().say("auth").split(b"\r\n")[1:] == [b"PLAIN", b"LOGIN", b".", b""]
    assert PopClient(takes_clear=False).say("auth").startswith(b"-ERR No password")


@pytest.mark.parametrize("line", ["user johndoe", "auth plain", f"auth plain {proof()}"])
def test_no_password_is_taken_in_the_clear_unless_that_is_allowed(line: str) -> None:
    client = PopClient(takes_clear=False)
    assert client.say(line).startswith(b"-ERR No password is taken without TLS")
    client.say("stls")
    client.session.secured()
    assert not client.say(line).startswith(b"-ERR")


def test_stls_is_refused_without_a_certificate() -> None:
    assert PopClient(has_tls=False).say("stls") == b"-ERR Command not offered\r\n"


def test_what_came_before_the_handshake_is_thrown_away() -> None:
    client = PopClient()
    assert client.send(b"stls\r\ncapa\r\nuser johndoe\r\n") == b"+OK Begin the TLS handshake\r\n"
    client.session.secured()
    assert client.hear() == b""
    assert client.say("pass secret") == b"-ERR Send USER first\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        LOGIN,
        (f"auth plain {proof()}",),
        ("auth plain", proof()),
        (f"auth plain {proof(identity=b'johndoe')}",),
        ("auth login", "am9obmRvZQ==", "c2VjcmV0"),
        ("user jane", "pass secret", *LOGIN),
    ],
)
def test_ways_in(lines: tuple[str, ...]) -> None:
    client = PopClient()
    assert client.say(*lines) == b"+OK 1 messages (20 octets)\r\n"
    assert client.outside.is_open
    assert any("authenticated as 'johndoe'" in line for line in client.log)
    assert not any("secret" in line or "c2Vj" in line for line in client.log)


def test_on_behalf_of_somebody_else_nobody_comes_in() -> None:
    assert PopClient().say(f"auth plain {proof(identity=b'jane')}").startswith(b"-ERR [AUTH]")
    assert PopClient(accepts_any=True).say(f"auth plain {proof(identity=b'jane')}").startswith(b"+OK")


@pytest.mark.parametrize(
    ("why", "reply"),
    [(Unopened.IN_USE, b"-ERR [IN-USE] "), (Unopened.FAILED, b"-ERR [SYS/TEMP] "), (Unopened.BUSY, b"-ERR [SYS/TEMP] ")],
)
def test_a_mailbox_that_cannot_be_opened(why: Unopened, reply: bytes) -> None:
    client = PopClient()
    client.outside.why = why
    assert client.say(*LOGIN).startswith(reply)
    opened, refused = client.log[-2:]
    assert opened.endswith(f"not opened: {why.value}") and "refused with" in refused and "b''" not in refused
    client.outside.why = None
    assert client.say(*LOGIN).startswith(b"+OK 1"), "one may try again"


def test_passwords_cannot_be_guessed_for_ever() -> None:
    client = PopClient(max_refusals=3)
    for _ in range(2):
        assert client.say("user johndoe", "capa", "pass wrong").startswith(b"-ERR [AUTH]")
    assert client.say("user johndoe", "pass wrong").endswith(b"-ERR Too many commands were refused\r\n")
    assert client.session.is_finished


def test_secrets_are_not_logged() -> None:
    witness = Witness()
    client = PopClient(observer=witness)
    for line in (
        "pass sesame",
        "user johndoe",
        "pass sesame",
        "pas sesame",
        f"auth plain {proof(secret=b'sesame')}",
        "auth plain",
    ):
        client.say(line)
    client.say("sesame")
    assert not [line for line in (*witness.lines, *client.log) if "sesame" in line]
    assert "C: pass ..." in witness.lines


MESSAGES = (b"Subject: one\n\n.dot\n", b"two", b"")


def test_what_a_mailbox_tells() -> None:
    client = PopClient(Outside(*MESSAGES, is_quick=True))
    assert client.say(*LOGIN) == b"+OK 3 messages (27 octets)\r\n"
    assert client.say("stat") == b"+OK 3 27\r\n"
    assert client.say("list") == b"+OK 3 messages (27 octets)\r\n1 22\r\n2 5\r\n3 0\r\n.\r\n"
    assert client.say("list 2") == b"+OK 2 5\r\n"
    assert client.say("uidl") == b"+OK Unique ids follow\r\n1 id1\r\n2 id2\r\n3 id3\r\n.\r\n"
    assert client.say("uidl 3") == b"+OK 3 id3\r\n"
    assert client.say("retr 1") == b"+OK 22 octets\r\nSubject: one\r\n\r\n..dot\r\n.\r\n"
    assert client.say("retr 2") == b"+OK 5 octets\r\ntwo\r\n.\r\n"
    assert client.say("retr 3") == b"+OK 0 octets\r\n.\r\n"
    assert client.say("top 1 0").endswith(b"follow\r\nSubject: one\r\n\r\n.\r\n")
    assert client.say("noop") == b"+OK Ok\r\n"
    for line in ("list 4", "uidl 0", "retr 4", "top 4 1", "dele 4"):
        assert client.say(line) == b"-ERR No such message\r\n"


def test_deleted_messages_are_gone_at_quit_only() -> None:
    client = PopClient(Outside(*MESSAGES, is_quick=True))
    client.say(*LOGIN, "dele 2")
    assert client.say("dele 2") == client.say("retr 2") == client.say("list 2") == b"-ERR This message is deleted\r\n"
    assert client.say("stat") == b"+OK 2 22\r\n"
    assert client.say("list") == b"+OK 2 messages (22 octets)\r\n1 22\r\n3 0\r\n.\r\n"
    assert client.say("rset") == b"+OK 3 messages (27 octets)\r\n"
    client.say("dele 1")
    assert len(client.outside.mailbox) == 3
    assert client.say("quit") == b"+OK pop.test closing connection\r\n"
    assert [kept.id for kept in client.outside.mailbox] == ["id2", "id3"]
    assert client.session.is_finished and client.session.is_agreed and not client.outside.is_open
    assert client.log[-1] == "removed 1 of its messages"


def test_what_was_not_removed_is_said() -> None:
    client = PopClient(Outside(*MESSAGES, is_quick=True))
    client.outside.can_remove = False
    assert client.say(*LOGIN, "dele 1", "quit").startswith(b"-ERR [SYS/TEMP] Some deleted messages were not removed")
    assert client.session.is_finished and not client.outside.is_open
    assert client.session.farewell == "quit" and "removed 1 of its messages, not all of them" in client.log


@pytest.mark.parametrize("end", ["hang_up", "time_out", "break_down", "stop"])
def test_only_quit_removes(end: str) -> None:
    client = PopClient(Outside(*MESSAGES, is_quick=True))
    client.say(*LOGIN, "dele 1")
    client.session.shut_down(at_once=True) if end == "stop" else getattr(client.session, end)()
    said = client.hear()
    assert client.session.is_finished and not client.outside.is_open and len(client.outside.mailbox) == 3
    assert said.startswith(
        {"hang_up": b"", "time_out": b"", "stop": b"-ERR [SYS/TEMP] The", "break_down": b"-ERR [SYS/TEMP] In"}[end]
    )
    assert (said == b"") == (end in ("hang_up", "time_out")), "RFC 1939 section 3: nothing is said to a silent client"


def test_a_message_that_is_gone_or_cannot_be_read_to_its_end() -> None:
    client = PopClient(Outside(*MESSAGES, is_quick=True))
    client.outside.gone, client.outside.torn = {0}, {1}
    assert client.say(*LOGIN, "retr 1") == b"-ERR This message is not in the mailbox any more\r\n"
    assert client.say("retr 2") == b"+OK 5 octets\r\n", "the connection ends, and so the client knows"
    assert client.session.is_finished and not client.session.is_agreed
    assert client.session.farewell == "what was being sent could not be read to its end"


def test_a_large_message_is_sent_as_it_is_read() -> None:
    """The session asks for the next piece when all before has been taken from it: one piece is in memory."""
    line = b"x" * 99 + b"\n"
    client = PopClient(Outside(line * 100_000, piece=64_000))
    for step in LOGIN:
        client.say(step)
        client.settle()
    assert client.settle().startswith(b"+OK")
    client.session.receive(b"retr 1\r\n")
    client.outside.settle()
    most, heard = 0, b""
    for _ in range(1000):
        client.session.resume()
        client.outside.settle()
        client.session.resume()
        most = max(most, len(client.session.outgoing))
        assert len(client.outside.pending) <= 1
        heard += bytes(client.session.outgoing)
        client.session.outgoing.clear()
    assert most < 3 * 65_000
    assert heard.endswith(b"\r\n.\r\n") and heard.count(b"\r\n") == 100_002


def test_long_lists_come_in_pieces() -> None:
    client = PopClient(Outside(*[b"x"] * (2 * LINES_A_PIECE), is_quick=True))
    heard = client.say(*LOGIN, "list")
    assert heard.count(b"\r\n") == 2 * LINES_A_PIECE + 2
    assert re.findall(rb"(\d+) 3\r\n", heard) == [b"%d" % number for number in range(1, 2 * LINES_A_PIECE + 1)]


def test_a_silent_client_in_the_middle_of_a_message_is_cut_off_without_a_word() -> None:
    client = PopClient(Outside(b"x\n" * 100, piece=50))
    for step in LOGIN:
        client.say(step)
        client.settle()
    client.settle()
    client.say("retr 1")
    client.settle()
    client.outside.settle()
    client.session.resume()
    assert client.session.outgoing and client.session.state is Pop3.SENDING
    size = len(client.session.outgoing)
    client.session.time_out()
    assert client.session.is_finished and client.session.farewell == "idle for too long"
    assert len(client.session.outgoing) == size


@pytest.mark.parametrize(("state", "farewell"), [("checking", "-ERR [SYS/TEMP] There was no answer"), ("sending", "")])
def test_answers_of_ours_that_do_not_come(state: str, farewell: str) -> None:
    client = PopClient(Outside(b"x\n"))
    client.say(*LOGIN)
    if state == "sending":
        for _ in range(2):
            client.settle()
        client.say("retr 1")
        client.settle()
    client.session.time_out()
    assert client.session.farewell == "it waited for an answer of ours for too long"
    assert client.hear().decode().startswith(farewell) and not client.outside.is_open


@pytest.mark.parametrize("steps", range(5))
def test_a_client_that_ends_its_side_still_gets_all_answers(steps: int) -> None:
    client = PopClient(Outside(b"x\n"))
    client.session.receive(b"user johndoe\r\npass secret\r\nretr 1\r\ndele 1\r\nquit\r\n")
    heard = client.hear()
    for _ in range(steps):
        heard += client.settle()
    client.session.end_of_input()
    for _ in range(9):
        heard += client.settle()
    assert heard.count(b"+OK") == 5 and client.session.is_finished and not client.outside.mailbox


def test_a_server_that_stops_sends_to_the_end_what_it_has_begun() -> None:
    client = PopClient(Outside(b"x\n"))
    client.say(*LOGIN)
    client.settle()
    client.settle()
    client.say("retr 1")
    client.settle()
    client.session.shut_down(at_once=False)
    assert not client.session.is_finished
    assert client.settle() + client.settle() == b"x\r\n.\r\n-ERR [SYS/TEMP] The server is shutting down\r\n"


@pytest.mark.parametrize("waits", [1, 2])
def test_who_leaves_takes_back_what_was_asked(waits: int) -> None:
    client = PopClient(Outside(b"x\n"))
    client.say(*LOGIN)
    for _ in range(waits - 1):
        client.settle()
    client.session.hang_up()
    assert client.outside.taken_back == 1


def test_http_is_not_listened_to() -> None:
    client = PopClient()
    assert client.say("GET / HTTP/1.1") == b"-ERR Only POP3 is spoken here\r\n"
    assert client.session.is_finished


def test_a_transcript_tells_how_much_was_sent() -> None:
    """Of a message that comes octet by octet, too: a CR alone is held back."""
    witness = Witness()
    client = PopClient(Outside(b"a\r\nb", is_quick=True, piece=1), observer=witness)
    assert client.say(*LOGIN, "retr 1") == b"+OK 6 octets\r\na\r\nb\r\n.\r\n"
    assert [line for line in witness.lines if "octets)" in line][-4:] == [f"S: ({size} octets)" for size in (1, 2, 1, 5)]
