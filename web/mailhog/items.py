"""The JSON of MailHog's API, made of what an inbox tells and of the mail itself."""

from typing import TypedDict

from ..contract import Mail
from .pieces import Piece, piece, with_crlf


class Path(TypedDict):
    """An address of the envelope."""

    Relays: list[str] | None
    Mailbox: str
    Domain: str
    Params: str


class MimeBody(TypedDict):
    """The parts of a message."""

    Parts: list["Content"]


class Content(TypedDict):
    """A message, or a part of one: the body is as encoded as it came."""

    Headers: dict[str, list[str]]
    Body: str
    Size: int
    MIME: "MimeBody | None"


class Raw(TypedDict):
    """A message as it came over SMTP, and what the server wrote before it."""

    From: str
    To: list[str]
    Data: str
    Helo: str


class Item(TypedDict):
    """A message."""

    ID: str
    From: Path
    To: list[Path]
    Content: Content
    Created: str
    MIME: MimeBody | None
    Raw: Raw


class Items(TypedDict):
    """A part of a list of messages, newest first."""

    total: int
    """Messages in sight, or that a search finds."""
    count: int
    """Messages in this part."""
    start: int
    items: list[Item]


def item(mail: Mail, octets: bytes) -> Item:
    """A message. From and To are those of the envelope."""
    octets = with_crlf(octets)
    envelope = mail["Envelope"]
    whole = content(piece(octets))
    parts, whole["MIME"] = whole["MIME"], None  # as MailHog has it: the parts stand beside the content
    return {
        "ID": mail["ID"],
        "From": path(envelope["ReturnPath"]),
        "To": [path(address) for address in envelope["DeliveredTo"]],
        "Content": whole,
        "Created": mail["Created"],
        "MIME": parts,
        "Raw": {
            "From": envelope["ReturnPath"],
            "To": envelope["DeliveredTo"],
            "Data": octets.decode("utf-8", "replace"),
            "Helo": envelope["Client"],
        },
    }


def content(cut: Piece) -> Content:
    """A mail, or a part of one."""
    return {
        "Headers": cut.headers,
        "Body": cut.body.decode("utf-8", "replace"),
        "Size": cut.size,
        "MIME": None if cut.pieces is None else {"Parts": [content(part) for part in cut.pieces]},
    }


def path(address: str) -> Path:
    """An address in its two halves; the domain may be missing."""
    mailbox, at, domain = address.rpartition("@")
    return {"Relays": None, "Mailbox": mailbox if at else domain, "Domain": domain if at else "", "Params": ""}
