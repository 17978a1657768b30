"""Every reply of the catalogue is a reply of RFC 5321 section 4.2, on one line."""

import ast
import re

import pytest

from protocol.engine import replies
from protocol.engine.replies import Reply

from ...kit.support import ROOT

CATALOGUE = {name: reply for name, reply in vars(replies).items() if isinstance(reply, Reply)}

KNOWN = {214, 220, 221, 250, 252, 354, 421, 451, 452, 500, 501, 502, 503, 504, 550, 552, 553, 554, 555}
"""Those codes of RFC 5321 section 4.2.3 that this server has a use for."""

OF_AUTH = {235, 334, 454, 530, 535, 538}
"""Those of RFC 4954 sections 4 and 6, and 530 of RFC 3207 section 4."""


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_reply_is_a_code_and_printable_words(name: str) -> None:
    reply = CATALOGUE[name]
    assert reply.code in KNOWN | OF_AUTH
    assert re.fullmatch(rb"([0-9]{3}-[\x20-\x7e]+\r\n)*[0-9]{3} [\x20-\x7e]+\r\n", reply.line)
    assert len(reply.line) <= 512


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_enhanced_status_code_is_of_the_class_of_the_reply(name: str) -> None:
    """RFC 2034 section 4: all 2yz, 4yz and 5yz have one, but for greetings and what EHLO and HELO are answered."""
    reply = CATALOGUE[name]
    without = (reply.code == 220 and name != "START_TLS") or "greets" in reply.text.decode() or reply.code // 100 == 3
    of_classic = name in ("HELLO", "SENDER_OK", "RECIPIENT_OK", "ADDRESS_UNKNOWN")
    expected = b"" if without or of_classic else rb"%d\.\d{1,3}\.\d{1,3}" % (reply.code // 100)
    assert re.fullmatch(expected, reply.status)
    assert reply.coded_line == reply.line if not reply.status else reply.status in reply.coded_line


def names(text: str) -> set[str]:
    """Those that a source uses, which is more than to import them."""
    nodes = list(ast.walk(ast.parse(text)))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


def test_every_reply_is_used_and_named_nowhere_else() -> None:
    source = {
        path: path.read_text() for path in [path for room in ("protocol", "service") for path in (ROOT / room).rglob("*.py")]
    }
    catalogue = source.pop(ROOT / "protocol" / "engine" / "replies.py")
    del source[ROOT / "service" / "audit" / "sender.py"]  # what it hears from servers is a Reply of its own
    used = {name for text in source.values() for name in names(text)}
    assert len(re.findall(r"^[A-Z_]+ = Reply\(", catalogue, re.MULTILINE)) == len(CATALOGUE)
    assert CATALOGUE.keys() - used == set(), "these are never given"
    assert not any("Reply(" in text.replace("Reply(Enum", "") for text in source.values())


def test_words_of_a_client_are_never_taken_for_places() -> None:
    assert replies.HELLO.about(b"%b%d%").line == b"250 Hello %b%d%, pleased to meet you\r\n"
