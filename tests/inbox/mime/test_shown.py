"""A message as plain data: what is too long for anybody to read is cut, and that is said."""

import pytest

from inbox.mime.message import message
from inbox.mime.shown import LONGEST_HTML, LONGEST_TEXT, mail_of


@pytest.mark.parametrize(
    ("type", "name", "about", "longest"), [("plain", "Text", "text", LONGEST_TEXT), ("html", "HTML", "HTML", LONGEST_HTML)]
)
@pytest.mark.parametrize("more", [0, 1])
def test_a_long_text_is_cut_and_a_note_says_so(type: str, name: str, about: str, longest: int, more: int) -> None:
    octets = b"x" * (longest + more)
    mail = mail_of(message(f"Date: Fri, 27 Nov 2026 10:00:00 +0000\nContent-Type: text/{type}\n\n".encode() + octets))
    assert mail[name] == "x" * longest
    assert ({"Kind": "cut", "About": about} in mail["Notes"]) == bool(more)
