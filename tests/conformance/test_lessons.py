"""What is said of a transcript: of one that is right, of one that is not, and of a script without replies."""

from pathlib import Path

import pytest

from conformance.lessons import Lesson, lessons
from conformance.transcripts import entries
from conformance.ways import Grade

from ..kit.support import ROOT

OURS = [
    path
    for path in sorted((ROOT / "tests" / "dialogues" / "esmtp").glob("*.txt"))
    if not any(
        line.startswith(("B: ", "C: ")) and ("\\" in line or line[0] == "B") for line in path.read_text().splitlines()
    )
]
GREETED = "S: 220 mx\nC: EHLO me.example\nS: 250-mx\nS: 250-CHUNKING\nS: 250-STARTTLS\nS: 250 AUTH PLAIN\n"
BEGUN = GREETED + "C: MAIL FROM:<a@b.example>\nS: 250 ok\nC: RCPT TO:<c@d.example>\nS: 250 ok\n"
SENT = BEGUN + "C: DATA\nS: 354 go\nC: x\nC: .\nS: 250 ok\n"


def learnt(text: str) -> list[Lesson]:
    return lessons(entries(text))


def worse(text: str) -> list[tuple[Grade, str]]:
    """What is not simply right: the grade, and the last line of the client."""
    return [(lesson.grade, (lesson.said or ("",))[-1]) for lesson in learnt(text) if lesson.grade is not Grade.RIGHT]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_our_own_dialogues_are_lawful(path: Path) -> None:
    wrong = [lesson for lesson in learnt(path.read_text()) if lesson.grade in (Grade.MUST, Grade.CODE, Grade.SHOULD)]
    assert [lesson.said for lesson in wrong] == [("HELP",)] * (path.stem == "all_hidden")


def test_there_are_many() -> None:
    assert len(OURS) > 20


@pytest.mark.parametrize(
    ("text", "grade", "said"),
    [
        (GREETED + "C: RCPT TO:<a@b.example>\nS: 250 ok\n", Grade.MUST, "RCPT TO:<a@b.example>"),
        (GREETED + "C: DATA\nS: 250 ok\n", Grade.MUST, "DATA"),
        (GREETED + "C: NOOP\nS: 503 no\n", Grade.MUST, "NOOP"),
        (GREETED + "C: noop\nS: 500 what\n", Grade.MUST, "noop"),
        (GREETED + "C: XYZZY\nS: 250 ok\n", Grade.MUST, "XYZZY"),
        (GREETED + "C: XYZZY\nS: 502 no\n", Grade.CODE, "XYZZY"),
        (GREETED + "C: HELP\nS: 500 no\n", Grade.SHOULD, "HELP"),
        (GREETED + "C: NOOP\n", Grade.NOTE, "NOOP"),
        (GREETED + "C: EHLO me.example\nS: 250-mx\n", Grade.NOTE, "EHLO me.example"),
        (GREETED + "C: NOOP\nS: 250 ok\nS: 250 ok\n", Grade.MUST, ""),
        (GREETED + "C: AUTH PLAIN AGEA\nS: 235 ok\nC: AUTH PLAIN AGEA\nS: 235 ok\n", Grade.MUST, "AUTH PLAIN AGEA"),
        (GREETED + "C: AUTH XYZZY\nS: 501 no\n", Grade.CODE, "AUTH XYZZY"),
        (GREETED + "C: STARTTLS\nS: 220 go\nT:\nC: EHLO me\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n",
         Grade.MUST, "STARTTLS"),
        (BEGUN + "C: MAIL FROM:<a@b.example>\nS: 250 ok\n", Grade.NOTE, "MAIL FROM:<a@b.example>"),
        (BEGUN + "C: BDAT 4\nC: ab\nS: 250 ok\nC: DATA\nS: 354 go\nC: .\nS: 250 ok\n", Grade.MUST, "DATA"),
        (BEGUN + "C: DATA x\nS: 354 go\nC: x\nC: .\nS: 250 ok\n", Grade.SHOULD, "DATA x"),
        (BEGUN + "C: DATA\nS: 354 go\nC: x\n", Grade.NOTE, "x"),
        (SENT + "C: RCPT TO:<c@d.example>\nS: 250 ok\n", Grade.MUST, "RCPT TO:<c@d.example>"),
        (SENT + "C: QUIT\nS: 250 ok\n", Grade.MUST, "QUIT"),
        (SENT + "C: QUIT\nS: 221 bye\nC: NOOP\n", Grade.NOTE, "NOOP"),
        ("S: 200 hello\nC: QUIT\nS: 221 bye\n", Grade.MUST, ""),
    ],
)  # fmt: skip
def test_what_is_not_right(text: str, grade: Grade, said: str) -> None:
    assert worse(text) == [(grade, said)]


@pytest.mark.parametrize(
    "text",
    [
        SENT + "C: QUIT\nS: 221 bye\n",
        SENT + "C: MAIL FROM:<>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 ok\nS: 550 no\nS: 554 no\nC: RSET\nS: 250 ok\n",
        BEGUN + "C: BDAT 4\nC: ab\nS: 250 ok\nC: BDAT 0 LAST\nS: 250 ok\n",
        BEGUN + "C: RSET\nS: 250 ok\nC: RCPT TO:<c@d.example>\nS: 503 no\nC: DATA\nS: 503 no\n",
        BEGUN + "C: EHLO me\nS: 250 mx\nC: RCPT TO:<c@d.example>\nS: 503 no\n",
        GREETED
        + "C: AUTH PLAIN\nS: 334\nC: AGEAYg==\nS: 535 no\nC: MAIL FROM:<a@b.example>\nS: 530 no\n".replace("530", "250"),
        GREETED + "C: STARTTLS\nS: 220 go\nC: MAIL FROM:<a@b.example>\nS: 503 no\nC: EHLO me\nS: 250 mx\n",
        GREETED
        + "C: MAIL FROM:<a@b.example> XYZZY=1\nS: 555 no\nC: MAIL FROM: a@b\nS: 501 no\nC: MAIL FROM: a@b\nS: 250 ok\n",
        GREETED + "C: VRFY\nS: 501 no\nC: BDAT x\nS: 501 no\nC: STARTTLS x\nS: 501 no\nC: EHLO\nS: 501 no\n",
        GREETED + "C: NOOP " + "x" * 600 + "\nS: 500 no\n",
        "S: 554 no\nC: QUIT\nS: 221 bye\n",
    ],
)
def test_what_is_right(text: str) -> None:
    assert worse(text) == []


def test_a_message_is_one_lesson_and_says_where_it_stands() -> None:
    (message,) = [lesson for lesson in learnt(SENT) if lesson.said[-1:] == (".",)]
    assert message == Lesson(("x", "."), ("250 ok",), Grade.RIGHT, "RFC 5321 section 4.1.1.4", 14)


def test_a_reply_that_is_wrong_is_explained() -> None:
    (lesson,) = [lesson for lesson in learnt(GREETED + "C: DATA\nS: 250 ok\n") if lesson.grade is Grade.MUST]
    assert lesson.words.startswith("503 or 554 is due (RFC 5321 section 3.3). DATA without a recipient is answered ")


def test_of_a_script_the_replies_are_said() -> None:
    text = (
        "RCPT TO:<a@b>\nEHLO me\nMAIL FROM:<a@b>\nRCPT TO:<a@b>\nDATA\nhello\n.\nRCPT TO:<a@b>\nSTARTTLS\nMAIL FROM:<a@b>\n"
        "EHLO me\nAUTH PLAIN\nAGEAYg==\nAUTH PLAIN x\nXYZZY\nVRFY\nQUIT\nNOOP"
    )
    first = [lesson.words.split(" (")[0] for lesson in learnt(text)]
    assert first == [
        "503", "250", "250", "250 or 251", "354", "250", "503", "220", "503", "250", "334", "235", "503", "500", "501",
        "221",
        "the session is over: nothing more is answered",
    ]  # fmt: skip
