"""The process that opens messages reads each once, however much of it is asked for."""

from collections.abc import Iterator
from typing import Any

import pytest

from inbox.mime.identity import identity
from service.web.opening import Opening

MAIL = b"""Subject: a picture
Content-Type: multipart/mixed; boundary=b

--b

text
--b
Content-Type: image/png

png
--b--
"""


class Mailbox:
    """A mailbox that counts what is read. Fulfils `storage.mailboxes.reading.Reader` as far as is needed."""

    has_names = True

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.mails = {"1": MAIL, "2": MAIL.replace(b"a picture", b"another")}
        self.fault: OSError | None = None

    def read(self, mailbox: str, place: str) -> bytes | None:
        self.reads.append(place)
        if self.fault:
            raise self.fault
        return self.mails.get(place)

    def pieces(self, mailbox: str, place: str) -> Iterator[bytes]:
        raise NotImplementedError


def asked(what: str, place: str = "1", part: str = "", octets: bytes = MAIL) -> dict[str, Any]:
    return {"what": what, "id": identity(octets), "places": [["ana", place]], "part": part}


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def opening(mailbox: Mailbox) -> Opening:
    return Opening(mailbox)  # type: ignore[arg-type]


def test_it_is_read_once(opening: Opening, mailbox: Mailbox) -> None:
    first = opening.answer(asked("mail"))
    assert first[0] == {"status": "ok"} and opening.answer(asked("mail")) == first
    assert opening.answer(asked("part", part="1"))[1].strip() == b"text"
    head, body = opening.answer(asked("part", part="2"))
    assert (head["type"], body.strip()) == ("image/png", b"png")
    assert opening.answer(asked("part", part="3")) == ({"status": "missing"}, b"")
    assert opening.answer(asked("octets")) == ({"status": "ok"}, MAIL)
    assert mailbox.reads == ["1"]


def test_another_one_and_another_place_are_read(opening: Opening, mailbox: Mailbox) -> None:
    opening.answer(asked("mail"))
    assert b"another" in opening.answer(asked("mail", "2", octets=mailbox.mails["2"]))[1]
    assert b"a picture" in opening.answer(asked("mail"))[1]
    assert opening.answer(asked("mail", "2")) == ({"status": "moved"}, b""), "something else is there"
    assert opening.answer(asked("octets")) == ({"status": "ok"}, MAIL)
    assert mailbox.reads == ["1", "2", "1", "2", "1"]


def test_what_is_missing_is_looked_for_again(opening: Opening, mailbox: Mailbox) -> None:
    assert opening.answer(asked("mail", "3")) == ({"status": "moved"}, b"")
    mailbox.mails["3"] = MAIL
    assert opening.answer(asked("mail", "3"))[0] == {"status": "ok"}
    mailbox.fault = OSError("broken")
    assert opening.answer(asked("mail", "3"))[0] == {"status": "ok"}, "it is at hand"
    assert opening.answer(asked("mail", "1")) == ({"status": "away"}, b"")
    mailbox.fault = None
    assert opening.answer(asked("mail", "1"))[0] == {"status": "ok"}
