"""Dialogue files are read, held, and judged; a flaw of one is said in one line."""

import pytest

from conformance.scripts import matches, octets, probe, read
from conformance.target import Profile
from conformance.trial import Trial
from conformance.ways import Grade
from protocol.esmtp.table import ESMTP

from ..kit.wires import TARGET, opener, run

TEXT = """rule: 5321-4.1.1.9-noop
# a comment

> NOOP
> NOOP x
< 250
< 250|4xx
"""


def held(text: str) -> Trial:
    trial = Trial(opener(ESMTP), TARGET, Profile("", {}), 1.0)
    run(probe(read("a file", text)).hold(trial))
    return trial


def test_a_dialogue_that_is_as_expected_finds_nothing() -> None:
    assert not held(TEXT).findings and not held(TEXT).gaps


@pytest.mark.parametrize(
    ("line", "grade"),
    [
        ("", Grade.MUST),
        ("~ note 250: why", Grade.NOTE),
        ("~ code 2xx: why", Grade.CODE),
        ("~ should 2xx: why", Grade.SHOULD),
        ("! 250: why", Grade.MUST),
        ("~ note 251: why", Grade.MUST),
    ],
)
def test_what_is_not_simply_right_is_said(line: str, grade: Grade) -> None:
    (finding,) = held(TEXT.replace("< 250\n", f"< 500\n{line}\n")).findings
    assert finding.grade is grade and finding.rule == "5321-4.1.1.9-noop"
    assert finding.dialogue[-3:] == ("C: NOOP", "C: NOOP x", "S: 250 2.0.0 Ok")
    assert finding.what == ("250 came, where 500 is due" if "why" not in line or "251" in line else "why")


def test_what_cannot_be_tested_is_said() -> None:
    trial = held(TEXT.replace("< 250\n", "< 500\n~ skip 250: it is so\n"))
    assert not trial.findings and trial.gaps[0].why == "it is so"


def test_silence_and_the_end_can_be_expected() -> None:
    assert not held("rule: 5321-4.1.1.9-noop\n\n> QUIT\n< 221\n< closed").findings
    assert not held("rule: 5321-4.1.1.9-noop\nfrom: CONTENT\n\n> QUIT\n< silent").findings
    assert held("rule: 5321-4.1.1.9-noop\n\n> QUIT\n< 221\n< 250").findings[0].what.startswith("the server closed")


def test_codes() -> None:
    assert matches("250|55x", "551") and matches("xxx", "354") and not matches("250|55x", "450") and matches("silent", "")


def test_octets() -> None:
    assert octets(r"{to}\r\n\x00{a*3}\\", TARGET) == b"johndoe@here.example\r\n\0aaa\\"
    assert octets("{message}", TARGET).startswith(b"From: <smtpcheck@client.example>\r\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rule: x\n\n< 250", "the rule x is not known"),
        ("role: x\n\n< 250", "'role: x' is no line of the head"),
        ("rule: 5321-4.1.1.9-noop\nfrom: HERE\n\n< 250", "HERE is no place"),
        ("rule: 5321-4.1.1.9-noop\n\n> NOOP", "it expects nothing"),
        ("rule: 5321-4.1.1.9-noop\n\n~ note 250: x", "'~ note 250: x' is no step"),
        ("rule: 5321-4.1.1.9-noop\n\nNOOP\n< 250", "'NOOP' is no step"),
    ],
)
def test_flaws(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"^a file: ") as error:
        read("a file", text)
    assert words in str(error.value)
