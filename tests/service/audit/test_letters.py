"""Letters come back whole from what servers do to them, and in no other way."""

import re

import pytest

from service.audit.letters import FIELD, letter, recognized

ONE = letter(
    "ab12-7", [("johndoe@a.example", "johndoe"), ("j.doe@a.example", "johndoe"), ("maria@a.example", "maria")], 2000
)


def test_a_letter_has_about_the_size_that_was_asked_for_and_names_each_mailbox_once() -> None:
    assert abs(len(ONE.content) - 2000) < 80
    assert ONE.mailboxes == ("johndoe", "maria") and len(ONE.recipients) == 3
    assert len(letter("a-1", [("x", "x")], 1).content) < 400
    assert max(map(len, ONE.content.split(b"\r\n"))) <= 78 and not re.search(rb"(?<!\r)\n|\r(?!\n)", ONE.content)


@pytest.mark.parametrize(
    "stored",
    [
        ONE.content,
        b"Received: from a\r\n\tby b\r\n" + ONE.content,
        b"Received: from a\n\tby b\n" + ONE.content.replace(b"\r\n", b"\n"),
        ONE.content.replace(b"\r\n\r\n", b"\r\nX-Spam: no\r\n\r\n", 1),
        ONE.content + b"\r\n\r\n",
        ONE.content.removesuffix(b"\r\n"),
    ],
    ids=["as sent", "a field in front", "LF", "a field behind", "blank lines at the end", "no end of line at the end"],
)
def test_what_a_server_may_do_makes_no_difference(stored: bytes) -> None:
    assert recognized(stored) == (ONE.token, ONE.digest)


@pytest.mark.parametrize(
    "stored",
    [
        ONE.content[:-20],
        ONE.content.replace(b"\r\n..\r\n", b"\r\n.\r\n"),
        ONE.content.replace(b"\r\nFrom here", b"\r\n>From here"),
        ONE.content.replace(b". \r\n", b".\r\n"),
        ONE.content + b"more\r\n",
        ONE.content.replace(b"begin ab12-7", b"begin ab12-8"),
    ],
    ids=["cut short", "a dot lost", "quoted", "a blank lost", "more at the end", "another's body"],
)
def test_what_it_must_not_do_does(stored: bytes) -> None:
    found = recognized(stored)
    assert found and found[0] == ONE.token and found[1] != ONE.digest


@pytest.mark.parametrize("content", [b"", b"Subject: x\n\n" + FIELD + b": of another\n", FIELD + b": ab12-7x\n\nx\n"])
def test_other_messages_are_none_of_ours(content: bytes) -> None:
    assert recognized(content) is None
