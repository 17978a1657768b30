"""Who watches a session is told what happens, line by line and in order, and no secret."""

import pytest

from protocol.classic.table import CLASSIC
from protocol.engine.environment import Policy, Site
from protocol.engine.session import Session
from protocol.esmtp.table import ESMTP

from ..kit.esmtp import Checker, base64, proof
from ..kit.notebook import Notebook
from ..kit.support import MESSAGE, MemoryStore, find_user


def transcript(data: bytes, step: int = 100_000, is_esmtp: bool = True, **policy: object) -> list[str]:
    """What is told of a client that sends these octets, so many at a time."""
    notebook, store = Notebook(), MemoryStore()
    site = Site(ESMTP if is_esmtp else CLASSIC, b"mx", find_user, store, lambda: 0.0, 1000, 0, Policy(**policy))  # type: ignore[arg-type]
    session = Session(site, "192.0.2.1", notebook.report, lambda: None, observer=notebook)
    session.open()
    for at in range(0, len(data), step):
        session.receive(data[at : at + step])
        session.outgoing.clear()
        while session.is_behind or store.committed:
            store.settle()
            session.resume()
            session.outgoing.clear()
    session.end_of_input()
    return notebook.lines


def test_a_dialogue_word_for_word() -> None:
    lines = transcript("".join(f"{line}\r\n" for line in ("data", *MESSAGE, "quit")).encode(), is_esmtp=False)
    assert lines == [
        "S: 220 mx carteiro SMTP at your service",
        "C: data",
        "S: 500 Syntax error, command unrecognized",
        "! refused with 500 Syntax error, command unrecognized: b'data'",
        "C: helo me", "START -> CLIENT", "S: 250 Hello me, pleased to meet you",
        "C: mail from: a@b", "CLIENT -> REVERSE", "S: 250 a@b Sender ok",
        "C: rcpt to: johndoe", "REVERSE -> FORWARD", "S: 250 johndoe Recipient ok",
        "C: data", "FORWARD -> CONTENT", 'S: 354 Enter mail, end with "." on a line by itself',
        "C: (7 octets of mail data, the end) hello\\r\\n", "CONTENT -> STORING",
        "! message m1 stored: mailbox johndoe, 7 octets, 0.0 ms; client 'me', no Message-ID; from <a@b> to <johndoe>",
        "STORING -> SERVED", "S: 250 Message accepted for delivery",
        "C: quit", "SERVED -> CLOSED", "S: 221 mx closing connection",
    ]  # fmt: skip


PLAIN, SECRET = proof(), base64(Checker.secret)


@pytest.mark.parametrize("step", [1, 7, 20, 100_000])
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"AUTH PLAIN {PLAIN}", "C: AUTH PLAIN ..."),
        (f"auth login {base64(b'johndoe')}", "C: auth login ..."),
        (f"AUTH plain {PLAIN} x", "C: AUTH plain ..."),
        (f"AUTH {PLAIN}", "C: AUTH ..."),
        (f"XAUTH {PLAIN}", "C: ..."),
        (PLAIN, "C: ..."),
        (f"AUTH PLAIN\r\n{PLAIN}", "C: ..."),
        (f"AUTH LOGIN\r\n{base64(b'johndoe')}\r\n{SECRET}", "C: ..."),
        (f"AUTH LOGIN\r\n*\r\nNOOP {SECRET}", "C: NOOP ..."),
    ],
)
def test_no_secret_is_told_however_it_comes(line: str, shown: str, step: int) -> None:
    lines = transcript(f"EHLO me\r\n{line}\r\n".encode(), step, authenticate=Checker(), authenticates_in_clear=True)
    text = "\n".join(lines)
    assert not [part for part in (PLAIN[:10], SECRET[:10], "sesame") if part in text], text
    assert shown in lines


@pytest.mark.parametrize("step", [1, 3, 100_000])
def test_lines_are_told_when_they_are_whole_and_in_their_order(step: int) -> None:
    lines = transcript(b"EHLO me\r\nMAIL FROM:<a@b>\r\nxyz\r\nRCPT TO:<johndoe@x>\r\nRSET\r\n", step)
    told = [line for line in lines if line.startswith(("C:", "!"))]
    refused = "! refused with 500 Syntax error, command unrecognized: b'xyz'"
    assert told == ["C: EHLO me", "C: MAIL FROM:<a@b>", "C: xyz", refused, "C: RCPT TO:<johndoe@x>", "C: RSET"]


def test_a_long_line_is_told_with_a_sign_that_it_is_longer() -> None:
    lines = transcript(b"NOOP " + b"x" * 5000 + b"\x1b[2J\r\n")
    (line,) = [line for line in lines if line.startswith("C: ")]
    assert line == "C: NOOP " + "x" * 993 + "..."


def test_control_characters_are_told_as_such() -> None:
    assert "C: \\x1b[2J\\\\" in transcript(b"\x1b[2J\\\r\n")
