"""What is fuzzed: each target takes any octets, and fails when a promise about what reads them does not hold.

It does not know who makes the octets up.
"""

import mailbox
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from inbox.mime.envelope import mail_of_entry
from inbox.mime.message import message
from inbox.search.matching import Kept, matches
from inbox.search.query import Query, QueryError, parse
from protocol.mail.content import Hops, MessageId, Newlines
from reactor.stream import tls_records
from storage.accounts.passwords import AuthFileError, Passwords
from storage.accounts.users import Users, UsersFileError
from storage.journal import format
from storage.journal.records import Record, Unreadable, decode, encode
from storage.journal.replay import Damage, Source, replay
from storage.mailboxes import mboxrd
from storage.mailboxes.fields import headed, unix_pieces
from storage.mailboxes.letter import Letter

from ..kit.esmtp import Checker, EsmtpClient
from ..kit.esmtp_streams import WAY, check
from ..kit.support import NOW, Client

CUT = b"\xfe"
"""Where it stands in made up octets, a piece ends. It is no octet of UTF-8."""

CLASSIC_WAY = b"helo me\r\n", b"mail from: a@b\r\n", b"rcpt to: johndoe\r\n", b"data\r\n", b"x\r\n.\r\n"


def split(data: bytes) -> tuple[int, list[bytes]]:
    """A number to choose by, and pieces."""
    return (data[0] if data else 0), data[1:].split(CUT)


def dialogue(data: bytes) -> None:
    """RFC 5321: each command is answered once and in order, and nothing grows."""
    chosen, pieces = split(data)
    check([*WAY[: chosen % 6], *pieces], max_refusals=3 * (chosen & 64 > 0), mends=chosen & 128 > 0)


def cuts(data: bytes) -> None:
    """Both dialects: however the octets are cut, the same is said and kept."""
    chosen, pieces = split(data)
    if b"starttls" in b"".join(pieces).lower():  # what came with it in one piece is dropped
        return
    assert _classic([*CLASSIC_WAY[: chosen % 6], *pieces]) == _classic([*CLASSIC_WAY[: chosen % 6], b"".join(pieces)])
    assert _esmtp([*WAY[: chosen % 6], *pieces]) == _esmtp([*WAY[: chosen % 6], b"".join(pieces)])


def _classic(pieces: list[bytes]) -> tuple[object, ...]:
    client = Client(max_message_size=100)
    heard = [line for piece in pieces for line in client.send(piece)]
    return heard, client.store.boxes, client.session.state


def _esmtp(pieces: list[bytes]) -> tuple[object, ...]:
    client = EsmtpClient(max_message_size=100, authenticate=Checker(), authenticates_in_clear=True)
    heard = [line for piece in pieces for line in client.send(piece)]
    return heard, client.boxes, client.session.state


def content(data: bytes) -> None:
    """What is looked at in mail data is found however it is cut, and mending leaves nothing to be mended."""
    chosen, pieces = split(data)
    for is_stuffed in (True, False):
        whole, in_pieces = (_newlines(those, bool(chosen & 1), is_stuffed) for those in ([b"".join(pieces)], pieces))
        assert whole == in_pieces
        assert not (chosen & 1 and re.search(rb"(?<!\r)\n", whole[0]))
    found = MessageId()
    hops = Hops()
    for piece in pieces:
        found.look(piece)
        hops.look(piece)
    at_once, of_all = MessageId(), Hops()
    at_once.look(b"".join(pieces))
    of_all.look(b"".join(pieces))
    assert hops.is_loop == of_all.is_loop
    assert found.value == at_once.value or len(data) > 2000


def _newlines(pieces: list[bytes], is_mending: bool, is_stuffed: bool) -> tuple[bytes, bool]:
    newlines = Newlines(is_mending, is_stuffed)
    passed = b"".join([newlines.passed(piece) for piece in pieces]) + newlines.rest()
    return passed, newlines.has_bare


def mbox(data: bytes) -> None:
    """Whatever a message holds, it is one in the mailbox, the next one another, and no field of it is the mailbox's."""
    chosen, pieces = split(data)
    first = b"".join(pieces).ljust(1, b"x")
    letter = Letter("1", NOW, b"a@b", [b"b"], b"Received: x\r\n", lambda: _long(first), is_verbatim=bool(chosen & 1))
    whole = b"".join(mboxrd.entry(letter))
    header, body = re.split(rb"\n\r?\n", whole, maxsplit=1)
    assert not re.search(rb"(?im)^(status|x-status|x-keywords|x-uid|content-length|x-imapbase)[ \t]*:", header)
    assert not re.search(rb"(?m)^From ", body)
    text = b"".join(mboxrd.renamed(headed(letter, _long(first) if letter.is_verbatim else unix_pieces(_long(first)))))
    cut_otherwise = b"".join(mboxrd.quoted(text[at : at + 7] for at in range(0, len(text), 7)))
    assert whole.split(b"\n", 1)[1].rstrip(b"\n") == cut_otherwise.rstrip(b"\n")
    with tempfile.NamedTemporaryFile() as file:
        file.write(whole * 2)
        file.flush()
        box = mailbox.mbox(file.name, create=False)
        assert len(box) == 2
        box.close()


def _long(text: bytes) -> Iterator[bytes]:
    yield text[:1000]
    if text[1000:]:
        yield text[1000:]


RECORDS = [Record(f"m{n}", n, b"a@b", {"johndoe": (b"j@x",)}, b"", b"text %d" % n * n, 7 * n, 0) for n in range(1, 5)]
SALT = b"saltsalt"


def journal(data: bytes) -> None:
    """A segment in which any octets were changed: what is read is what was written, in order, and nothing else."""
    image = bytearray(format.header(1, SALT).ljust(format.START, b"\0"))
    for number, group in enumerate((RECORDS[:1], RECORDS[1:3], RECORDS[3:]), 1):
        image += b"".join(format.frames([encode(record) for record in group], SALT, number))
    for at in range(0, len(data) - 3, 3):
        offset = int.from_bytes(data[at : at + 2]) % (len(image) + 64)
        image[offset : offset + 1] = data[at + 2 : at + 3]
    with suppress(format.NotASegment, ValueError):
        format.read_header(bytes(image))
    found = [item for _, item in replay([Source(1, SALT, lambda: bytes(image))])[1]]
    read = [decode(item.payload) for item in found if not isinstance(item, Damage)]
    places = [RECORDS.index(record) for record in read if isinstance(record, Record)]
    assert len(places) == len(read) and places == sorted(set(places))
    assert len(places) == len(RECORDS) or any(isinstance(item, Damage) for item in found) or len(data) >= 3


def record(data: bytes) -> None:
    """A whole frame of any octets: a record, which is written as it was read, or Unreadable."""
    with suppress(Unreadable):
        read = decode(data)
        assert decode(b"".join(encode(read).pieces)) == read


def tls(data: bytes) -> None:
    """Where records end is found however the stream is cut."""
    _, pieces = split(data)
    stream = b"".join(pieces)
    hello, length, came = tls_records.Hello(), 0, b""
    for piece in pieces:
        came += piece
        length = hello.length(came)
        if length:
            break
    at_once = tls_records.Hello().length(came)
    assert bool(length) == bool(at_once) and length <= len(came)
    assert 0 <= tls_records.whole(stream, 4) <= len(stream)
    assert tls_records.whole(stream, 1) <= tls_records.whole(stream, 4)


def users(data: bytes) -> None:
    """A users file of any octets: names that are fit for a file, or one line that says what is wrong."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            first = Users(Path(file.name)).first
        except UsersFileError as error:
            assert "\n" not in str(error)
        else:
            assert first and "/" not in first and not first.startswith(".")


def passwords(data: bytes) -> None:
    """A file of passwords of any octets, likewise."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            Passwords(Path(file.name))
        except AuthFileError as error:
            assert "\n" not in str(error)


def mail(data: bytes) -> None:
    """Any octets are a mail of which something is shown, in UTF-8 and without NUL; its parts do not overlap."""
    found = message(mail_of_entry(data))
    at = 0
    for part in found.parts:
        assert at <= part.start <= part.end <= len(found.octets) and found.part(part.id) == part
        at = part.end
    told = repr((found[3:], found.events, found.snippet))
    told.encode("utf-8")
    assert found.parts and not [text for text in (found.subject, found.text, found.html) if "\0" in text]


def search(data: bytes) -> None:
    """Any text is a search of which each word is a term, or a mistake at a place in it."""
    query = data.decode("utf-8", "replace")
    try:
        terms = parse(query).terms
    except QueryError as error:
        assert 0 <= error.at <= len(query)
    else:
        assert terms and ('"' in query or len(terms) == len(query.split()))
        matches(Query(terms), Kept(message(b"Subject: x\n\n" + data)))


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (dialogue, cuts, content, mbox, journal, record, tls, users, passwords, mail, search)
}
