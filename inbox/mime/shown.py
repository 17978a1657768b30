"""A message as plain data, for lists and for reading: dictionaries with the names of Mailpit's API v1.

They can be sent as JSON. Knows nothing about who has read a message, and where its copies are.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from .addresses import Address
from .fields import raw_text
from .identity import identity
from .message import Message, Note, content
from .parts import Part

_LINK = re.compile(r"<\s*((?:https?|mailto):[^<>\s]{1,2000})\s*>", re.IGNORECASE)
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")

LONGEST_TEXT = 1 << 20
LONGEST_HTML = 2 << 20
"""Characters of a text, and of HTML, that are shown. Nobody reads more, and whoever passes it on would be held up by it: a
text may be all line ends, or letters of three octets. The part has the rest.
"""

DIGESTED = 100
"""Parts whose content is digested; a mail with more is not one that anybody compares."""


def row_of(message: Message, came: datetime | None = None, id: str = "") -> dict[str, Any]:
    """A message in a list, but for what its mailbox knows of it. `came` is when, if the message cannot tell; `id` is that of
    all its octets, if more came than are read.
    """
    id = id or identity(message.octets)
    return {
        "ID": id,
        "MessageID": message.message_id or f"{id}@carteiro.invalid",
        "From": _address(message.sender[0]) if message.sender else None,
        "To": _addresses(message.to),
        "Cc": _addresses(message.cc),
        "Bcc": _addresses(message.bcc),
        "ReplyTo": _addresses(message.reply_to),
        "Subject": message.subject,
        "Created": moment(message.envelope.came or came or message.date or datetime.fromtimestamp(0, UTC)),
        "Username": "",
        "Size": message.size,
        "Attachments": len(message.attachments),
        "Snippet": message.snippet,
    }


def with_hidden(row: dict[str, Any], delivered: Iterable[str]) -> dict[str, Any]:
    """A row whose Bcc has whoever the message was delivered to that no field names: that is what Bcc means."""
    named = {address["Address"].lower() for field in ("To", "Cc", "Bcc") for address in row[field]}
    hidden = dict.fromkeys(path for path in delivered if path.lower() not in named)
    return {**row, "Bcc": [*row["Bcc"], *({"Name": "", "Address": path} for path in hidden)]}


def mail_of(message: Message, came: datetime | None = None) -> dict[str, Any]:
    """A message that was opened, but for what its mailbox knows of it."""
    envelope = message.envelope
    return {
        **row_of(message, came),
        "ReturnPath": envelope.return_path,
        "Date": moment(message.date or came or datetime.fromtimestamp(0, UTC)),
        "Text": message.text[:LONGEST_TEXT],
        "HasText": message.has_text,
        "HTML": message.html[:LONGEST_HTML],
        "Inline": [_part(message, part) for part in message.inline[:DIGESTED]],
        "Files": [_part(message, part) for part in message.attachments[:DIGESTED]],
        "Parts": [_part(message, part) for part in message.parts[:DIGESTED]],
        "ListUnsubscribe": _unsubscribing(message),
        "Header": [(field.name, raw_text(field.value)) for field in message.header],
        "Envelope": {
            "ReturnPath": envelope.return_path,
            "DeliveredTo": list(envelope.delivered_to),
            "Client": envelope.client,
            "Address": envelope.address,
            "Protocol": envelope.protocol,
            "Id": envelope.id,
            "Received": moment(envelope.came) if envelope.came else "",
        },
        "Notes": [{"Kind": note.kind, "About": note.about} for note in (*message.notes, *_cuts(message))],
        "Events": [_event(event._asdict()) for event in message.events],
        "IsSourceOnly": False,
    }


def _cuts(message: Message) -> list[Note]:
    parts = ("text", message.text, LONGEST_TEXT), ("HTML", message.html, LONGEST_HTML)
    return [Note("cut", name) for name, text, longest in parts if len(text) > longest]


def moment(when: datetime) -> str:
    """A moment in RFC 3339, in UTC, with milliseconds."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def type_of(part: Part) -> str:
    """The media type of a part, when it is one that may be said in a header field."""
    return part.type if _TYPE.fullmatch(part.type) else "application/octet-stream"


def _address(address: Address) -> dict[str, str]:
    return {"Name": address.name, "Address": address.address}


def _addresses(addresses: tuple[Address, ...]) -> list[dict[str, str]]:
    return [_address(address) for address in addresses]


def _part(message: Message, part: Part) -> dict[str, Any]:
    octets = content(message.octets, part)
    return {
        "PartID": part.id,
        "FileName": part.file_name,
        "ContentType": type_of(part),
        "ContentID": part.content_id,
        "Size": len(octets),
        "Checksums": {
            "MD5": hashlib.md5(octets, usedforsecurity=False).hexdigest(),
            "SHA1": hashlib.sha1(octets, usedforsecurity=False).hexdigest(),
            "SHA256": hashlib.sha256(octets).hexdigest(),
        },
    }


def _unsubscribing(message: Message) -> dict[str, Any]:
    header = message.field_text("list-unsubscribe")
    links = _LINK.findall(header)
    errors = "there is no <link> in it" if header and not links else ""
    return {"Header": header, "Links": links, "Errors": errors, "HeaderPost": message.field_text("list-unsubscribe-post")}


def _event(event: dict[str, str]) -> dict[str, str]:
    return {"UID" if name == "uid" else name.capitalize(): value for name, value in event.items()}
