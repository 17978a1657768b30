"""The envelope of a stored mail: what the server wrote before the content (Return-Path, Delivered-To, Received).

Only what stands before and in the first Received field is the server's; a sender can write such fields, too, but not there.
Knows nothing about kinds of mailboxes, but for the separator of an mbox file.
"""

import re
from datetime import datetime
from typing import NamedTuple

from .dates import date_of
from .fields import raw_text
from .header import Header

_RECEIVED = re.compile(
    r"from (?P<client>\S{1,512}) \(\[(?:IPv6:)?(?P<address>[^\]\s]{1,64})\]\) by \S{1,512} \(carteiro\)"
    r" with (?P<protocol>\S{1,64}) id (?P<id>[^\s;]{1,512})"
)
_SEPARATOR = re.compile(rb"From ([^\n]{0,2000})\n")
_QUOTED = re.compile(rb"(?m)^>(?=>*+From )")


class Envelope(NamedTuple):
    """Who sent a mail to whom, and how it came. What is not known is empty; a return path may be."""

    return_path: str = ""
    delivered_to: tuple[str, ...] = ()
    client: str = ""
    """What the client called itself."""
    address: str = ""
    """Its IP address."""
    protocol: str = ""
    id: str = ""
    came: datetime | None = None
    """When it was received, in UTC."""


def envelope_of(octets: bytes, header: Header) -> Envelope:
    """The envelope of a mail, as its stored form tells it."""
    own = [field.name.lower() for field in header.fields]
    own = own[: own.index("received") + 1] if "received" in own else own
    fields = header.fields[: len(own)]
    values = {field.name.lower(): raw_text(field.value) for field in reversed(fields)}
    received = values.get("received", "")
    match = _RECEIVED.match(" ".join(received.split()))
    return Envelope(
        return_path=values.get("return-path", "").removeprefix("<").removesuffix(">"),
        delivered_to=tuple(raw_text(field.value) for field in fields if field.name.lower() == "delivered-to"),
        client=match["client"] if match else "",
        address=match["address"] if match else "",
        protocol=match["protocol"] if match else "",
        id=match["id"] if match else "",
        came=date_of(received.rpartition(";")[2]) or _separated(octets),
    )


def _separated(octets: bytes) -> datetime | None:
    """When the separator of a mailbox file says that the mail came."""
    match = _SEPARATOR.match(octets)
    return date_of(raw_text(match[1]).partition(" ")[2]) if match else None


def without_separator(octets: bytes) -> bytes:
    """A mail as it was delivered, without the separator line of a mailbox file."""
    return octets[octets.find(b"\n") + 1 :] if octets.startswith(b"From ") else octets


def mail_of_entry(entry: bytes) -> bytes:
    """The mail of an entry of an mbox file in the mboxrd format: without quoting, and the blank line at its end.

    The separator stays, since it has the time.
    """
    entry = _QUOTED.sub(b"", entry) if b"\n>" in entry else entry
    return entry[:-1] if entry.endswith(b"\n\n") else entry
