"""What the web side needs from a store of mail that can be read: the `Inbox`, and the data that it gives.

The data has the names of Mailpit's API v1, since most of it goes out as it is. An index over mailbox files fulfils the
contract; a database may do so, too. No method blocks: each takes an `answer` that is called once, in the loop.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypedDict

Sight = str | None
"""Whose mail is seen: that of one mailbox, or all (None). Nothing outside it is found, marked or deleted."""


class Address(TypedDict):
    """A mail address, and the name that stands with it."""

    Name: str
    Address: str


class Row(TypedDict):
    """A message in a list."""

    ID: str
    """22 of 0-9A-Za-z. It survives changes of the mailbox by other programs, and new indexes."""
    MessageID: str
    Read: bool
    From: Address | None
    To: list[Address]
    Cc: list[Address]
    Bcc: list[Address]
    """The field's, and whoever the message was delivered to that no field names."""
    ReplyTo: list[Address]
    Subject: str
    Created: str
    """When it was received: RFC 3339 in UTC, with milliseconds, as `2026-11-28T01:02:03.000Z`."""
    Username: str
    Tags: list[str]
    Size: int
    Attachments: int
    Snippet: str
    """At most 250 characters."""
    Mailboxes: list[str]
    """Those in sight that have it."""


class Checksums(TypedDict):
    """Digests of a part's content, in lower-case hexadecimal digits."""

    MD5: str
    SHA1: str
    SHA256: str


class Part(TypedDict):
    """A part of a message, without its content."""

    PartID: str
    FileName: str
    """A proposal without directories; it may be empty."""
    ContentType: str
    ContentID: str
    Size: int
    Checksums: Checksums


class Unsubscribing(TypedDict):
    """What a List-Unsubscribe field says (RFC 2369, RFC 8058)."""

    Header: str
    Links: list[str]
    Errors: str
    HeaderPost: str


class Envelope(TypedDict):
    """The SMTP side of a message, as the server has written it down."""

    ReturnPath: str
    DeliveredTo: list[str]
    """Of all copies in sight: everybody whom the message was for."""
    Client: str
    """What the client called itself in HELO or EHLO."""
    Address: str
    Protocol: str
    """As in a Received field: SMTP, ESMTP, ESMTPSA ..."""
    Id: str
    Received: str
    """As `Created`, or "" if nobody knows."""


class Note(TypedDict):
    """Something in the message that was mended or guessed: see inbox/mime/message.py for the kinds."""

    Kind: str
    About: str


class Invitation(TypedDict):
    """An event to which the message invites (RFC 5545). A time is as in `2026-12-01 14:00 Europe/Lisbon`."""

    Method: str
    UID: str
    Summary: str
    Start: str
    End: str
    Location: str
    Organizer: str
    Status: str


class Mail(Row):
    """A message that was opened. `Attachments` of a row, the number, is `len(Files)` here."""

    ReturnPath: str
    Date: str
    """Of its Date field, or when it was received."""
    Text: str
    """Plain text; made from the HTML if the sender wrote none."""
    HasText: bool
    """Whether the sender wrote the plain text."""
    HTML: str
    """As sent, or "". Never show it uncleaned in our origin."""
    Inline: list[Part]
    Files: list[Part]
    """The attachments."""
    Parts: list[Part]
    """All parts with content, those of text included."""
    ListUnsubscribe: Unsubscribing
    Header: list[tuple[str, str]]
    """All fields in their order: names as they came, values unfolded and undecoded."""
    Envelope: Envelope
    Notes: list[Note]
    Events: list[Invitation]
    IsSourceOnly: bool
    """Whether it could not be read in the time or room that a message may take: only `octets` has it."""


class Mailbox(TypedDict):
    """A mailbox and how much is in it."""

    Name: str
    Total: int
    Unread: int


class Page(NamedTuple):
    """A part of what was found, newest first."""

    total: int
    """Messages in sight."""
    unread: int
    """Of these, unread ones."""
    found: int
    """Messages that the query finds; `total` without a query."""
    rows: list[Row]


class Content(NamedTuple):
    """The decoded content of a part."""

    octets: bytes
    type: str
    """As `image/png`: lower case, checked by a pattern, without parameters."""
    charset: str
    file_name: str


class Mistake(NamedTuple):
    """Why a query means nothing, for people to read. `at` is the character where it goes wrong, from 0."""

    text: str
    at: int
    kind: str = ""
    """What tells it from other mistakes, so that it can be said in other languages."""
    values: Mapping[str, str] = MappingProxyType({})
    """What stands in its text, by name."""


class Away(NamedTuple):
    """A message is there, and cannot be read now: what it is kept in does not answer, or fails. The reason is logged."""

    is_database: bool
    """Whether that is a database; else it is a disk."""


class Selection(NamedTuple):
    """Some messages in sight: those with these ids, or that a query finds; all of them if both are None."""

    ids: Sequence[str] | None = None
    query: str | None = None
    zone: str = "UTC"
    """The time zone of dates in the query: a name of the IANA database."""


class Changes(NamedTuple):
    """What has changed. All of it may have (`is_reset`), or more than is told: who shows a list asks again."""

    came: tuple[Row, ...] = ()
    gone: tuple[str, ...] = ()
    """Ids."""
    is_reset: bool = False


class Inbox(Protocol):
    """Stored mail that can be listed, searched, read, marked and deleted. Every `answer` gets None for what is not there,
    or cannot be told now; the reason is logged.
    """

    def mailboxes(self, answer: Callable[[list[Mailbox] | None], None]) -> None:
        """Lists all mailboxes by name."""

    def page(
        self, sight: Sight, selection: Selection, start: int, limit: int, answer: Callable[[Page | Mistake | None], None]
    ) -> None:
        """Finds messages, and gives `limit` of them from number `start` on, newest first."""

    def open(self, sight: Sight, id: str, answer: Callable[[Mail | Away | None], None]) -> None:
        """Reads a message."""

    def part(self, sight: Sight, id: str, part: str, answer: Callable[[Content | Away | None], None]) -> None:
        """Reads a part of a message."""

    def octets(self, sight: Sight, id: str, answer: Callable[[bytes | Away | None], None]) -> None:
        """Reads a message as it is stored, without what a mailbox file puts around it."""

    def mark(
        self, sight: Sight, selection: Selection, is_read: bool, answer: Callable[[int | Mistake | None], None]
    ) -> None:
        """Marks messages as read or unread; answers how many are in the selection."""

    def tag(self, sight: Sight, ids: Sequence[str], tags: Sequence[str], answer: Callable[[int | None], None]) -> None:
        """Gives messages these tags, in place of those that they have."""

    def tags(self, sight: Sight, answer: Callable[[list[str] | None], None]) -> None:
        """Lists all tags in use, sorted."""

    def rename_tag(self, sight: Sight, tag: str, name: str | None, answer: Callable[[int | None], None]) -> None:
        """Renames a tag of all messages in sight, or takes it away (None)."""

    def delete(
        self, sight: Sight, selection: Selection, delay: float, answer: Callable[[list[str] | Mistake | None], None]
    ) -> None:
        """Deletes messages: they are out of sight at once, for good after `delay` seconds. Answers their ids.

        In the sight of a mailbox only its own copy of a message is deleted.
        """

    def restore(self, sight: Sight, ids: Sequence[str], answer: Callable[[int | None], None]) -> None:
        """Takes back deletions whose delay is not over; answers how many."""

    def watch(self, sight: Sight, changed: Callable[[Changes], None]) -> Callable[[], None]:
        """Calls `changed` for each change in sight, until the returned function is called."""
