"""A mail as it is shown: its fields decoded, its text, HTML and attachments.

Whatever octets come, a message comes of them, with notes on what was guessed. Knows nothing about who has read it, and
nothing about making HTML safe.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

from .addresses import Address, addresses
from .charsets import codec_of, decoded
from .dates import date_of
from .encodings import transfer_decoded
from .envelope import Envelope, envelope_of
from .fields import raw_text, text_of
from .flowed import unflowed
from .header import Field, header_at, repeated
from .html_text import text_of_html
from .invitations import Event, events
from .parts import Part, Structure, structure

MOST_OCTETS = (25 << 20) + (64 << 10)
"""Octets of a mail that are read: the largest that the server takes as it comes, and the fields it puts before it."""

LONGEST_SNIPPET = 250
"""Characters of the beginning of the text."""

_SINGLE = (
    "from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "content-type",
    "content-transfer-encoding", "content-disposition",
)  # fmt: skip
"""Fields that may occur once (RFC 5322 section 3.6, RFC 2045)."""

_CALENDARS = ("text/calendar", "application/ics")

_META = re.compile(rb"<meta[^>]{1,200}charset=[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_META_ENDS = 2048
"""Octets of a document in which it may name its charset."""

_WORD = re.compile(rf"\S{{1,{LONGEST_SNIPPET}}}")


class Note(NamedTuple):
    """Something that the sender should not have done, or that was guessed.

    `kind` is one of: `cut` (a field, or `mail`, is longer than what is read), `twice` (a field), `charset` (guessed),
    `date` (no date that can be read), `no parts`, `too many parts`.
    """

    kind: str
    about: str


class Message(NamedTuple):
    """A mail. Texts have LF ends and no NUL; addresses are those of all fields of a kind."""

    octets: bytes
    size: int
    """Octets that it has, those that are not read included."""
    header: tuple[Field, ...]
    """All fields, in their order, undecoded."""
    envelope: Envelope
    subject: str
    sender: tuple[Address, ...]
    """Those of From."""
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    message_id: str
    date: datetime | None
    """That of its Date field in UTC, or else when it was received; None if nobody knows."""
    date_field: str
    text: str
    """The plain text, or that of the HTML if there is none."""
    html: str
    has_text: bool
    """Whether the sender wrote the plain text."""
    inline: tuple[Part, ...]
    attachments: tuple[Part, ...]
    parts: tuple[Part, ...]
    """All parts with content, those of text included."""
    notes: tuple[Note, ...]

    @property
    def snippet(self) -> str:
        """The beginning of the text, on one line."""
        words, length = [], 0
        for match in _WORD.finditer(self.text):
            words.append(match[0])
            length += len(match[0]) + 1
            if length > LONGEST_SNIPPET:
                break
        return " ".join(words)[:LONGEST_SNIPPET].rstrip()

    def field_text(self, name: str) -> str:
        """What the first field with a name says; nothing if there is none."""
        return _text(self.header, name)

    def part(self, id: str) -> Part | None:
        """The part with an id."""
        return next((part for part in self.parts if part.id == id), None)

    def part_of_content_id(self, content_id: str) -> Part | None:
        """The part that a `cid:` link in the HTML means."""
        wanted = unquote(content_id).strip("<> ")
        return next((part for part in self.parts if wanted and part.content_id == wanted), None)

    @property
    def events(self) -> tuple[Event, ...]:
        """Those that the mail invites to."""
        calendar = next((part for part in self.parts if part.type in _CALENDARS), None)
        return events(text_of_part(self.octets, calendar)) if calendar else ()

    def content(self, part: Part) -> bytes:
        """The octets that a part of it stands for."""
        return content(self.octets, part)


def message(octets: bytes, came: datetime | None = None) -> Message:
    """The mail in these octets, the separator line of a mailbox file before it or not; `came` is when, if it cannot tell."""
    whole, octets = len(octets), octets[:MOST_OCTETS]
    header = header_at(octets, 0)
    found = structure(octets, header)
    envelope = envelope_of(octets, header)
    date_field = raw_text(header.first("date"))
    date = date_of(date_field)
    texts, htmls, inline, attachments = _sorted(found.parts)
    plain = [text_of_part(octets, part) for part in texts]
    documents = [text_of_part(octets, part) for part in htmls]
    html = "\n".join(documents)
    return Message(
        octets=octets,
        size=whole,
        header=header.fields,
        envelope=envelope,
        subject=_text(header.fields, "subject"),
        sender=addresses(header.all("from")[:1]),
        to=addresses(header.all("to")),
        cc=addresses(header.all("cc")),
        bcc=addresses(header.all("bcc")),
        reply_to=addresses(header.all("reply-to")[:1]),
        message_id=raw_text(header.first("message-id")).strip("<> "),
        date=date or envelope.came or came,
        date_field=date_field,
        text="\n\n".join(plain) if texts or not htmls else text_of_html(html),
        html=html,
        has_text=bool(texts),
        inline=tuple(_measured(octets, inline)),
        attachments=tuple(_measured(octets, attachments)),
        parts=found.parts,
        notes=(
            *([Note("cut", "mail")] if whole > len(octets) else ()),
            *_notes_on_fields(header.fields),
            *([] if date else [Note("date", date_field)]),
            *_notes_on_parts(found, zip([*texts, *htmls], [*plain, *documents], strict=True)),
        ),
    )


def content(octets: bytes, part: Part) -> bytes:
    """The octets that a part of a mail stands for."""
    return transfer_decoded(octets[part.start : part.end], part.encoding)


def text_of_part(octets: bytes, part: Part) -> str:
    """The text of a part of a mail, with LF ends."""
    encoded = content(octets, part)
    charset = part.parameters.get("charset", "")
    if part.type == "text/html" and not charset and (said := _META.search(encoded, 0, _META_ENDS)):
        charset = said[1].decode("ascii")
    text = decoded(encoded, charset)
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    if part.type == "text/plain" and part.parameters.get("format", "").lower() == "flowed":
        return unflowed(text, part.parameters.get("delsp", "").lower() == "yes")
    return text


def _text(fields: Iterable[Field], name: str) -> str:
    field = next((field for field in fields if field.name.lower() == name.lower()), Field("", b""))
    return text_of(field.value, field.is_cut)


def _sorted(parts: tuple[Part, ...]) -> tuple[list[Part], list[Part], list[Part], list[Part]]:
    """The parts that are the text, the HTML, beside these, and to be saved."""
    texts, htmls, inline, attachments = [], [], [], []
    for part in parts:
        is_whole = not part.place
        if part.disposition == "attachment" or (part.disposition not in ("", "inline")):
            attachments.append(part)
        elif part.type == "text/html" and (is_whole or not part.file_name):
            htmls.append(part)
        elif part.type.startswith("text/") and (is_whole or (part.type == "text/plain" and not part.file_name)):
            texts.append(part)
        elif part.disposition == "inline" or part.content_id:
            inline.append(part)
        else:
            attachments.append(part)
    return texts, htmls, inline, attachments


def _measured(octets: bytes, parts: list[Part]) -> Iterator[Part]:
    for part in parts:
        yield part._replace(size=len(content(octets, part)))


def _notes_on_fields(fields: tuple[Field, ...]) -> Iterator[Note]:
    for field in fields:
        if field.is_cut:
            yield Note("cut", field.name)
    for name in repeated(fields, _SINGLE):
        yield Note("twice", name)


def _notes_on_parts(found: Structure, texts: Iterable[tuple[Part, str]]) -> Iterator[Note]:
    """Among them that a charset was guessed: none was named that anybody knows, and the text is not plain ASCII."""
    named = [part.parameters.get("charset", "") for part, text in texts if not text.isascii()]
    for charset in dict.fromkeys(named):
        if not codec_of(charset):
            yield Note("charset", charset)
    if found.has_no_parts:
        yield Note("no parts", "")
    if found.is_cut:
        yield Note("too many parts", "")
