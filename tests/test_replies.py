"""Every reply of the catalogue is a reply of RFC 5321 section 4.2, on one line."""

import re

import pytest

from protocol import replies
from protocol.replies import Reply

from .support import ROOT

CATALOGUE = {name: reply for name, reply in vars(replies).items() if isinstance(reply, Reply)}

KNOWN = {220, 221, 250, 354, 421, 451, 452, 500, 550, 552, 554}
"""Those codes of RFC 5321 section 4.2.3 that this server has a use for."""


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_reply_is_a_code_and_printable_words(name: str) -> None:
    reply = CATALOGUE[name]
    assert reply.code in KNOWN
    assert re.fullmatch(rb"[0-9]{3} [\x20-\x7e]+\r\n", reply.line)
    assert len(reply.line) <= 512


def test_every_reply_is_used_and_named_nowhere_else() -> None:
    source = {path.name: path.read_text() for path in [*(ROOT / "protocol").glob("*.py"), ROOT / "bin" / "smtpd"]}
    catalogue = source.pop("replies.py")
    assert len(re.findall(r"^[A-Z_]+ = Reply\(", catalogue, re.MULTILINE)) == len(CATALOGUE)
    for name in CATALOGUE:
        assert any(re.search(rf"\b{name}\b", text) for text in source.values()), f"{name} is never given"
    assert not any("Reply(" in text.replace("Reply(Enum", "") for text in source.values())


def test_a_positive_reply_accepts_and_a_negative_one_does_not() -> None:
    assert [replies.GREETING.accepts, replies.START_MAIL_INPUT.accepts] == [True, True]
    assert [replies.OUR_BUG.accepts, replies.UNRECOGNIZED.accepts] == [False, False]


def test_words_of_a_client_are_never_taken_for_places() -> None:
    assert replies.HELLO.about(b"%b%d%").line == b"250 Hello %b%d%, pleased to meet you\r\n"
