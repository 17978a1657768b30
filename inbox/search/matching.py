"""Whether a message is what a query looks for: what a store of mail must find, however it does.

It reads the whole message, so it is for one, or for comparing. Knows nothing about the query's syntax.
"""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from ..mime.addresses import Address
from ..mime.message import Message
from .query import After, Before, Contains, Has, HasTag, Is, Larger, Not, Query, Smaller, Test

EARLIEST = datetime.min.replace(tzinfo=UTC)
"""When a message was received of which nobody knows it."""


class Kept(NamedTuple):
    """A message, and what only its reader knows of it."""

    message: Message
    is_read: bool = False
    tags: tuple[str, ...] = ()


def folded(text: str) -> str:
    """The text as it is compared: upper and lower case are the same, and so are two ways to write an accent."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def matches(query: Query, kept: Kept) -> bool:
    """Whether all its terms hold."""
    return all(not _holds(term.test, kept) if isinstance(term, Not) else _holds(term, kept) for term in query.terms)


def _holds(test: Test, kept: Kept) -> bool:
    message = kept.message
    came = message.envelope.came or message.date or EARLIEST
    match test:
        case Contains(field, text):
            return any(folded(text) in folded(content) for content in _texts(message, field))
        case HasTag(tag):
            return folded(tag) in {folded(own) for own in kept.tags}
        case Is(state):
            return bool(kept.tags) if state == "tagged" else kept.is_read == (state == "read")
        case Has(what):
            return bool(message.inline if what == "inline" else message.attachments)
        case Before(when):
            return came < when
        case After(when):
            return came >= when
        case Larger(octets):
            return message.size > octets
        case Smaller(octets):
            return message.size < octets


def _texts(message: Message, field: str) -> list[str]:
    """The texts in which a word is looked for."""
    fields = {"from": message.sender, "to": message.to, "cc": message.cc, "bcc": message.bcc, "reply-to": message.reply_to}
    if field in fields:
        return _written(fields[field])
    if field == "subject":
        return [message.subject]
    if field == "message-id":
        return [message.message_id]
    every = [text for addresses in fields.values() for text in _written(addresses)]
    if field == "addressed":
        return every
    names = [part.file_name for part in (*message.inline, *message.attachments)]
    return [*every, message.subject, message.text, *names]


def _written(addresses: Iterable[Address]) -> list[str]:
    """Addresses as they are written in full."""
    return [f"{name} <{address}>" if name else address for name, address in addresses]
