"""STARTTLS (RFC 3207) and AUTH (RFC 4954): what is answered, what is forgotten, and that no secret gets into the log."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from protocol.esmtp.table import Esmtp

from ...kit.esmtp import EHLO, FROM, TO, TO_RCPT, Checker, EsmtpClient, base64, proof

NAME, SECRET = base64(Checker.name), base64(Checker.secret)
_ATTEMPT = re.compile(r"^authenticat(ed|ion) as 'johndoe'|mailbox johndoe|<johndoe@here>")
"""Where the log has a name."""
SUCCESS = b"235 2.7.0 Authentication succeeded"


class Content(Checker):
    """Is content with whatever it is given."""

    def __call__(self, name: bytes, secret: bytes, answer: Callable[[bool | None], None]) -> Callable[[], None]:
        answer(True)
        return lambda: None


def authenticating(checker: Checker | None = None, **policy: Any) -> EsmtpClient:
    client = EsmtpClient(authenticate=checker or Checker(), **{"authenticates_in_clear": True, **policy})
    client.say(EHLO)
    return client


# AUTH


def test_the_examples_of_rfc_4954() -> None:
    client = authenticating()
    assert client.say(f"AUTH PLAIN {proof()}") == [SUCCESS]
    client = authenticating()
    assert client.say("AUTH PLAIN") == [b"334 "]
    assert client.say(proof()) == [SUCCESS]
    client = authenticating()
    assert client.say("AUTH LOGIN") == [b"334 VXNlcm5hbWU6"]
    assert client.say(NAME) == [b"334 UGFzc3dvcmQ6"]
    assert client.say(SECRET) == [SUCCESS]
    client = authenticating()
    assert client.say(f"auth login {NAME}") == [b"334 UGFzc3dvcmQ6"]
    assert client.say(SECRET) == [SUCCESS]


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["auth plain ="], b"501 5.5.2"),
        ([f"auth plain {proof(secret=b'x')}"], b"535 5.7.8"),
        ([f"auth plain {proof(name=b'x')}"], b"535 5.7.8"),
        ([f"auth plain {base64(b'johndoe')}"], b"501 5.5.2"),
        ([f"auth plain {base64(b'x' + bytes(1) + b'johndoe' + bytes(1) + Checker.secret)}"], b"535 5.7.8"),
        ([f"auth plain {base64(bytes(2) + Checker.secret)}"], b"501 5.5.2"),
        ([f"auth plain {base64(bytes(1) + b'a' + bytes(1) + b'b' + bytes(1))}"], b"501 5.5.2"),
        (["auth plain x"], b"501 5.5.2"),
        (["auth plain", "*"], b"501 5.7.0"),
        (["auth plain", ""], b"501 5.5.2"),
        (["auth plain", "="], b"501 5.5.2"),
        (["auth plain", proof() + " "], b"501 5.5.2"),
        (["auth login", "*"], b"501 5.7.0"),
        (["auth login", "johndoe!"], b"501 5.5.2"),
        (["auth login", NAME, "*"], b"501 5.7.0"),
        (["auth login", NAME, "sesame"], b"501 5.5.2"),
        (["auth login", NAME, NAME], b"535 5.7.8"),
        (["auth login", "", ""], b"535 5.7.8"),
        (["auth login =", SECRET], b"535 5.7.8"),
        (["auth login", "A" * 20_000], b"501 5.5.2"),
        (["auth cram-md5"], b"504 5.5.4"),
        (["auth"], b"501 5.5.4"),
    ],
)
def test_an_attempt_that_fails_and_then_one_that_does_not(lines: list[str], reply: bytes) -> None:
    client = authenticating()
    assert client.say(*lines)[0].startswith(reply)
    assert client.say("noop") == [b"250 2.0.0 Ok"]
    assert client.session.state is Esmtp.CLIENT
    assert client.say(f"auth plain {proof()}") == [SUCCESS]


def test_plain_may_name_oneself_twice() -> None:
    client = authenticating()
    assert client.say(f"auth plain {base64(bytes([0]).join([Checker.name, Checker.name, Checker.secret]))}") == [SUCCESS]


def test_secrets_of_any_octets_are_passed_on_as_they_are() -> None:
    for name, secret in (("é".encode(), b"\xff\xfe \r\n"), (b" ", b""), (b"a" * 1000, b"b" * 7000)):
        checker = Checker()
        client = authenticating(checker)
        client.say(f"auth plain {proof(name, secret)}", "auth login", base64(name), base64(secret))
        assert checker.asked == [(name, secret)] * 2


def test_who_is_authenticated_cannot_be_again_nor_get_tls() -> None:
    client = authenticating(has_tls=True)
    client.say(f"auth plain {proof()}")
    for line in ("auth login", f"auth plain {proof()}", "starttls"):
        assert client.say(line) == [b"503 5.5.1 You are already authenticated"]
    assert client.codes(EHLO, "auth login") == [503], "hello does not change that"
    assert client.codes(FROM, "auth login") == [503]


def test_auth_is_for_a_known_client_outside_a_transaction() -> None:
    client = EsmtpClient(authenticate=Checker(), authenticates_in_clear=True)
    assert client.codes("auth login") == [503]
    for opening in (TO_RCPT[:2], TO_RCPT, (*TO_RCPT, "bdat 0")):
        assert client.codes(*opening, "auth login") == client.codes(f"auth plain {proof()}") == [503]
        client.say("rset")


def test_in_the_clear_it_is_a_538_unless_that_is_allowed() -> None:
    client = authenticating(has_tls=True, authenticates_in_clear=False)
    for line in ("auth login", f"auth plain {proof()}", "auth plain ="):
        assert client.say(line)[0].startswith(b"538 5.7.11")
    client.secure()
    assert client.codes("auth login") == [503]
    assert client.codes(EHLO, "auth login", NAME, SECRET) == [235]


def test_when_the_check_cannot_be_made_it_is_a_454_and_nobody_is_authenticated() -> None:
    client = authenticating(Checker(is_able=False), requires_authentication=True)
    assert client.say(f"auth plain {proof()}") == [b"454 4.7.0 Authentication is not possible now"]
    assert client.codes(FROM) == [530]


def test_what_comes_while_the_check_is_made_waits() -> None:
    checker = Checker(is_slow=True)
    client = authenticating(checker)
    assert client.send(f"auth plain {proof()}\r\nNOOP\r\nQUIT\r\n".encode()) == []
    assert not client.session.takes_input and client.session.state is Esmtp.CHECKING
    checker.settle()
    assert [reply[:3] for reply in client.settle()] == [b"235", b"250", b"221"]
    assert checker.taken_back == 0, "there is nothing to be taken back"


@pytest.mark.parametrize("leave", ["hang_up", "end_of_input", "time_out", "break_down"])
def test_the_question_is_taken_back_when_the_client_leaves(leave: str) -> None:
    checker = Checker(is_slow=True)
    client = authenticating(checker)
    client.say("auth login", NAME, SECRET)
    getattr(client.session, leave)()
    assert client.session.is_finished
    assert checker.taken_back == 1 and checker.waiting == []


def test_what_was_answered_is_not_taken_back() -> None:
    checker = Checker(is_slow=True)
    client = authenticating(checker)
    client.say(f"auth plain {proof()}")
    checker.settle()
    client.settle()
    client.say("rset", FROM, "rset", EHLO)
    client.session.hang_up()
    assert checker.taken_back == 0


def test_an_exchange_ends_with_the_client_and_the_server() -> None:
    for end in ("end_of_input", "hang_up", "time_out"):
        client = authenticating()
        client.say("auth login")
        getattr(client.session, end)()
        client.hear()
        assert client.session.is_finished and client.send(NAME.encode() + b"\r\n") == []
    client = authenticating()
    client.say("auth login")
    client.session.shut_down(False)
    assert [reply[:3] for reply in client.hear()] == [b"421"]


# Secrets and the log

VARIANTS: list[list[str]] = [
    [f"auth plain {proof()}"],
    [f"auth plain {proof()}"] * 2,
    [f"auth plain {proof(secret=b'sesame street!')}"],
    [f"auth  plain  {proof()}  x"],
    [f"auth plain {proof()}x"],
    [f"auth plain {proof()[:-1]}"],
    [f"auth cram-md5 {proof()}"],
    [f"auth\tplain {proof()}"],
    [f" auth plain {proof()}"],
    [f"xauth plain {proof()}"],
    ["auth plain", proof()],
    ["auth plain", proof() + "x"],
    ["auth plain", "johndoe sesame street"],
    ["auth plain", "*", proof()],
    ["auth plain x", proof()],
    ["auth login", NAME, SECRET],
    ["auth login", NAME, "*", SECRET],
    ["auth login", NAME, SECRET + "x"],
    ["auth login", "johndoe", "sesame street"],
    [f"auth login {NAME}", SECRET],
    [f"auth login {NAME}", "*"],
    [f"auth login {NAME}x", SECRET],
    ["auth xoauth2", NAME, SECRET],
    ["auth login x y", NAME, SECRET, "johndoe", "sesame street"],
    [*["xyz"] * 12, "auth login", "noop", NAME, SECRET],
    ["auth plain " + proof() + "A" * 20_000],
]
CLIENTS: dict[str, dict[str, Any]] = {
    "who may": {"authenticates_in_clear": True},
    "who must not": {},
    "who must not yet": {"requires_tls": True, "has_tls": True},
    "nobody may": {"authenticate": None},
    "where it is hidden": {"hidden": frozenset(["AUTH"])},
    "who cannot be checked": {"authenticates_in_clear": True, "authenticate": Checker(is_able=False)},
}


@pytest.mark.parametrize("who", CLIENTS)
@pytest.mark.parametrize("opening", [(), (EHLO,), TO_RCPT, (*TO_RCPT, "bdat 0")])
def test_no_secret_reaches_the_log_and_a_name_only_as_that_of_an_attempt(who: str, opening: tuple[str, ...]) -> None:
    for lines in VARIANTS:
        for is_pipelined in (False, True):
            client = EsmtpClient(**({"authenticate": Checker()} | CLIENTS[who]))
            client.say(*opening)
            client.log.clear()
            if is_pipelined:
                client.send("".join(line + "\r\n" for line in lines).encode())
            else:
                client.say(*lines)
            client.say("quit")
            log = "\n".join(_ATTEMPT.sub("", line) for line in client.log)
            assert not [part for part in ("johndoe", "sesame", NAME[:8], SECRET[:8], proof()[:8]) if part in log], (
                lines,
                log,
            )


def test_the_log_says_that_an_attempt_was_refused() -> None:
    client = authenticating()
    client.say("auth plain =", "auth login", NAME, "eA==", "xyz")
    assert client.log == [
        "refused with 501 This is not what was asked for, in base64: b'AUTH'",
        "authentication as 'johndoe' failed",
        "refused with 535 Authentication failed: b'AUTH'",
        "refused with 500 Syntax error, command unrecognized: b'...'",
    ]


def test_an_attempt_is_logged_with_its_name_and_never_with_its_secret() -> None:
    client = authenticating()
    client.say(f"auth plain {proof(secret=b'wrong one')}", "auth login", base64(b"jo\r\n2026 INFO 'x\x1b[1m"), SECRET)
    client.say(f"auth plain {base64(b'root' + Checker.name.join([bytes(1)] * 2) + Checker.secret)}", f"auth plain {proof()}")
    assert [line for line in client.log if line.startswith("authentic")] == [
        "authentication as 'johndoe' failed",
        r"authentication as 'jo\r\n2026 INFO \'x\x1b[1m' failed",
        "authentication as 'johndoe' failed: on behalf of somebody else",
        "authenticated as 'johndoe'",
    ]
    assert "sesame" not in str(client.log) and "wrong" not in str(client.log)
    assert "b'AUTH'" in client.log[1]


def test_a_secret_that_was_typed_in_the_place_of_the_name_is_not_logged() -> None:
    client = authenticating()
    client.say("auth login", SECRET, SECRET)
    assert client.log[0] == "authentication as ... failed"
    client = authenticating(accepts_any=True, checker=Content())
    client.say("auth login", SECRET, SECRET, FROM, TO, "data", "x", ".")
    assert "sesame" not in "".join(client.log) and "authenticated as ..., client" in client.log[-1]


def test_no_client_can_write_a_field_of_the_log() -> None:
    client = EsmtpClient()
    forged = "x, TLS, authenticated as 'root'"
    client.say(EHLO, f'MAIL FROM:<"a> to <b>; {forged}"@x>', TO, "data", f"Message-ID: {forged}; from <a>", "", "x", ".")
    assert client.log[-1].partition(" ms; ")[2] == (
        r"client 'me', Message-ID 'x, TLS, authenticated as \'root\'; from <a>'; "
        r"""from <"a\x3e to <b\x3e; x, TLS, authenticated as 'root'"@x> to <johndoe@here>"""
    )


def test_where_any_name_will_do_it_may_be_on_behalf_of_anybody() -> None:
    """RFC 4616 section 2: whether one may act for another is the server's to say."""
    on_behalf = base64(b"root\0somebody\0secret")
    client = authenticating(accepts_any=True, checker=Content())
    assert client.codes(f"auth plain {on_behalf}") == [235]
    client.say(FROM, TO, "data", "Message-ID:", " <1@x>", "", "x", ".")
    assert "; authenticated as 'somebody', client 'me', Message-ID '<1@x>'; from <a@b> to" in client.log[-1]
    assert authenticating().codes(f"auth plain {on_behalf}") == [535]


def test_a_line_that_is_no_command_is_shown_where_it_cannot_be_a_secret() -> None:
    client = EsmtpClient()
    client.say("xyz", "auth login", "xyz")
    assert [line.rpartition(": ")[2] for line in client.log] == ["b'xyz'", "b'AUTH'", "b'...'"]


# STARTTLS


def test_the_example_of_rfc_3207() -> None:
    client = EsmtpClient(has_tls=True)
    assert client.codes("starttls") == [503]
    assert client.say(EHLO, "STARTTLS") == [b"220 2.0.0 Begin the TLS handshake"]
    assert client.session.wants_tls and not client.session.takes_input
    client.session.secured()
    assert client.hear() == [] and client.session.takes_input
    assert client.codes(FROM) == [503], "who it was is forgotten"
    assert client.codes("starttls") == client.codes(EHLO, "starttls") == [503]
    assert client.codes(FROM, TO, "data", "x", ".") == [250]


def test_what_was_pipelined_behind_starttls_is_thrown_away() -> None:
    for more in (b"EHLO you\r\nMAIL FROM:<x@y>\r\n", b"NO", b"x" * 20_000, b"\r\n", b"BDAT 5\r\n"):
        client = EsmtpClient(has_tls=True)
        client.say(EHLO)
        assert [reply[:3] for reply in client.send(b"STARTTLS\r\n" + more)] == [b"220"]
        client.session.secured()
        assert client.hear() == []
        assert [reply[:3] for reply in client.send(b"NOOP\r\nMAIL FROM:<a@b>\r\n")] == [b"250", b"503"]


def test_starttls_is_refused_in_a_transaction_and_where_there_is_no_tls() -> None:
    client = EsmtpClient(has_tls=True)
    for opening in (TO_RCPT[:2], TO_RCPT, (*TO_RCPT, "bdat 0")):
        assert client.codes(*opening, "starttls") == [503]
        client.say("rset")
    assert client.codes("starttls x") == [501]
    assert EsmtpClient().codes(EHLO, "starttls") == [502]


def test_a_client_that_begins_with_tls_is_greeted_when_it_is_there() -> None:
    client = EsmtpClient(has_tls=True, is_encrypted=True)
    assert client.greeting == [b"220 mx.test ESMTP carteiro"]
    assert client.session.state is Esmtp.FRESH
    assert client.codes(EHLO, "starttls") == [503]
    client.session.secured()
    assert client.codes(FROM) == [250], "that happens once, or the client would be forgotten"


def test_who_leaves_in_the_handshake_is_gone() -> None:
    for leave in ("hang_up", "end_of_input", "time_out"):
        client = EsmtpClient(has_tls=True)
        client.say(EHLO, "starttls")
        getattr(client.session, leave)()
        assert client.session.is_finished and not client.session.wants_tls
