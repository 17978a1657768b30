"""The client of the checker says what belongs there, and reports what it heard, wherever the dialogue ends."""

from collections.abc import Callable

import pytest

from service.audit.letters import Letter, letter
from service.audit.sender import LONGEST_REPLY, Sender

ONE = letter("ab12-1", [("johndoe", "johndoe")], 300)
TWO = letter("ab12-2", [("johndoe", "johndoe"), ("maria", "maria")], 300)
GREETED = ["220 mx hi", "250-mx", "250 HELP"]
ACCEPTED = ["250 sender", "250 recipient", "354 go", "250 stored"]


class Notebook:
    """Writes down what it is told; time passes at once."""

    def __init__(self, *letters: Letter) -> None:
        self.lines: list[object] = []
        self._letters = [*letters]
        self.later: list[Callable[[], None]] = []
        self.sender = Sender(
            "mx:25",
            lambda: self._letters.pop(0) if self._letters else None,
            self,
            60.0,
            lambda: None,
            lambda _, call: self.later.append(call),
        )

    def begin(self, letter: Letter, server: str) -> None:
        self.lines.append(("begin", letter.token))

    def answer(self, token: str, code: int, text: str, is_complete: bool) -> None:
        self.lines.append((token, code, is_complete))

    def give_up(self, token: str, why: str, is_complete: bool) -> None:
        self.lines.append((token, why, is_complete))

    def hear(self, *lines: str) -> list[str]:
        """Lines of the server come in; returns the first lines of what is said to them."""
        said = []
        for line in lines:
            self.sender.receive(line.encode() + b"\r\n")
            while self.later:
                self.later.pop()()
            said += [bytes(self.sender.outgoing).split(b"\r\n")[0].decode()] if self.sender.outgoing else []
            self.sender.outgoing.clear()
        return said


def test_letters_are_sent_one_after_the_other() -> None:
    notes = Notebook(ONE, TWO)
    mail = "MAIL FROM:<smtpcount@localhost>"
    assert notes.hear(*GREETED) == ["EHLO smtpcount", mail]
    assert notes.hear(*ACCEPTED) == ["RCPT TO:<johndoe>", "DATA", "From: <smtpcount@localhost>", mail]
    assert notes.hear("250 ok", "250 ok", "250 ok", "354 go")[:3] == ["RCPT TO:<johndoe>", "RCPT TO:<maria>", "DATA"]
    assert notes.hear("250 stored", "221 bye") == ["QUIT"]
    assert notes.sender.is_finished
    assert notes.lines == [("begin", "ab12-1"), ("ab12-1", 250, True), ("begin", "ab12-2"), ("ab12-2", 250, True)]


def test_mail_data_has_its_dots_doubled_and_ends_with_one() -> None:
    notes = Notebook(ONE)
    notes.hear(*GREETED, "250 ok", "250 ok")
    notes.sender.receive(b"354 go\r\n")
    said = bytes(notes.sender.outgoing)
    assert said.endswith(b"\r\n.\r\n") and b"\r\n..\r\n...\r\nFrom here" in said
    assert said[:-3].replace(b"\r\n..", b"\r\n.") == ONE.content


def test_a_server_that_only_knows_helo_is_greeted_so() -> None:
    assert Notebook(ONE).hear("220 hi", "500 what", "250 hello")[1:] == ["HELO smtpcount", "MAIL FROM:<smtpcount@localhost>"]


@pytest.mark.parametrize(
    ("heard", "noted", "goes_on"),
    [
        (["452 no room"], (452, False), True),
        (["250 ok", "550 unknown", "250 reset"], (550, False), True),
        (["250 ok", "550 unknown", "500 what"], (550, False), False),
        (["250 ok", "250 ok", "451 no"], (451, False), False),
        (["250 ok", "250 ok", "354 go", "451 no"], (451, True), True),
        (["250 ok", "250 ok", "354 go", "552 too large"], (552, True), True),
        (["421 closing"], (421, False), False),
        (["250 ok", "250 ok", "354 go", "421 closing"], (421, True), False),
    ],
)
def test_a_refusal_is_noted_with_whether_the_end_was_sent(heard: list[str], noted: tuple[int, bool], goes_on: bool) -> None:
    notes = Notebook(ONE, TWO)
    notes.hear(*GREETED, *heard)
    assert notes.lines[:2] == [("begin", "ab12-1"), ("ab12-1", *noted)]
    assert notes.sender.is_finished != goes_on


def test_of_two_recipients_one_that_is_refused_ends_the_connection() -> None:
    for heard in (["250 ok", "550 no"], ["250 ok", "250 ok", "550 no"]):
        notes = Notebook(TWO)
        notes.hear(*GREETED, *heard)
        assert notes.lines[1:] == [("ab12-2", 550, False)] and notes.sender.is_finished


@pytest.mark.parametrize("steps", range(8))
@pytest.mark.parametrize("end", ["end_of_input", "time_out", "hang_up", "break_down"])
def test_wherever_the_connection_ends_the_letter_on_its_way_is_given_up(steps: int, end: str) -> None:
    notes = Notebook(ONE)
    notes.hear(*[*GREETED, *ACCEPTED, "221 bye"][:steps])
    getattr(notes.sender, end)()
    notes.sender.hang_up()
    noted = [line[::2] for line in notes.lines if isinstance(line, tuple) and len(line) == 3]
    assert noted == ([] if steps < 3 else [("ab12-1", steps >= 6)])
    assert notes.sender.is_finished


@pytest.mark.parametrize("said", [b"hello\r\n", b"SSH-2.0\r\n", b"2" * (LONGEST_REPLY + 1)])
def test_what_is_no_reply_ends_the_connection(said: bytes) -> None:
    notes = Notebook(ONE)
    notes.hear(*GREETED)
    notes.sender.receive(said)
    assert notes.sender.is_finished and notes.lines[1:] == [("ab12-1", "the server says what is no reply", False)]
