"""A message as plain data: what is too long for anybody to read is cut, and that is said."""

import pytest

from inbox.mime.message import message
from inbox.mime.shown import LONGEST, mail_of


@pytest.mark.parametrize(("type", "name"), [("plain", "Text"), ("html", "HTML")])
@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1])
def test_a_long_text_is_cut_and_a_note_says_so(type: str, name: str, length: int) -> None:
    mail = mail_of(message(f"Date: Fri, 27 Nov 2026 10:00:00 +0000\nContent-Type: text/{type}\n\n".encode() + b"x" * length))
    assert mail[name] == "x" * LONGEST
    about = "text" if type == "plain" else "HTML"
    assert ({"Kind": "cut", "About": about} in mail["Notes"]) == (length > LONGEST)
