"""The JSON of Mailpit's API, made of what an inbox tells."""

from typing import TypedDict

from ..contract import Address, Envelope, Invitation, Mail, Note, Page, Part, Row, Unsubscribing


class MessagesSummary(TypedDict):
    """A part of a list of messages, newest first."""

    total: int
    """Messages in sight."""
    unread: int
    count: int
    """Messages in this part. Mailpit no longer documents it, but clients read it."""
    messages_count: int
    """Messages that the search finds."""
    messages_unread: int
    start: int
    tags: list[str]
    messages: list[Row]


class Message(TypedDict):
    """A message that was opened. The last five fields are carteiro's own."""

    ID: str
    MessageID: str
    Read: bool
    """Always true. Mailpit no longer sends it, but clients read it."""
    From: Address | None
    To: list[Address]
    Cc: list[Address]
    Bcc: list[Address]
    ReplyTo: list[Address]
    ReturnPath: str
    Subject: str
    ListUnsubscribe: Unsubscribing
    Date: str
    Created: str
    Tags: list[str]
    Username: str
    Text: str
    HTML: str
    Size: int
    Inline: list[Part]
    Attachments: list[Part]
    Mailboxes: list[str]
    Envelope: Envelope
    Notes: list[Note]
    Events: list[Invitation]
    IsSourceOnly: bool


class RuntimeStats(TypedDict):
    """What the server has done since it was started."""

    Uptime: int
    Memory: int
    MessagesDeleted: int
    SMTPAccepted: int
    SMTPAcceptedSize: int
    SMTPRejected: int
    SMTPIgnored: int


class AppInformation(TypedDict):
    """The server."""

    Version: str
    LatestVersion: str
    """`disabled`: nobody is asked whether there is a newer one."""
    Database: str
    DatabaseSize: int
    Messages: int
    Unread: int
    Tags: dict[str, int]
    """How many messages have each tag."""
    RuntimeStats: RuntimeStats


class MessageRelay(TypedDict):
    """Handing messages on to another server: never."""

    Enabled: bool
    SMTPServer: str
    ReturnPath: str
    AllowedRecipients: str
    BlockedRecipients: str
    OverrideFrom: str
    PreserveMessageIDs: bool
    RecipientAllowlist: str


class WebUIConfiguration(TypedDict):
    """How Mailpit's own page would be set up."""

    Label: str
    MessageRelay: MessageRelay
    SpamAssassin: bool
    ChaosEnabled: bool
    DuplicatesIgnored: bool
    HideDeleteAllButton: bool


WEBUI: WebUIConfiguration = {
    "Label": "",
    "MessageRelay": {
        "Enabled": False,
        "SMTPServer": "",
        "ReturnPath": "",
        "AllowedRecipients": "",
        "BlockedRecipients": "",
        "OverrideFrom": "",
        "PreserveMessageIDs": False,
        "RecipientAllowlist": "",
    },
    "SpamAssassin": False,
    "ChaosEnabled": False,
    "DuplicatesIgnored": False,
    "HideDeleteAllButton": False,
}


def summary(page: Page, start: int, unread: int, tags: list[str]) -> MessagesSummary:
    """A list; `unread` of those that were found are unread."""
    return {
        "total": page.total,
        "unread": page.unread,
        "count": len(page.rows),
        "messages_count": page.found,
        "messages_unread": unread,
        "start": start,
        "tags": tags,
        "messages": page.rows,
    }


def message(mail: Mail) -> Message:
    """A message, which is read by now."""
    return {
        "ID": mail["ID"],
        "MessageID": mail["MessageID"],
        "Read": True,
        "From": mail["From"],
        "To": mail["To"],
        "Cc": mail["Cc"],
        "Bcc": mail["Bcc"],
        "ReplyTo": mail["ReplyTo"],
        "ReturnPath": mail["ReturnPath"],
        "Subject": mail["Subject"],
        "ListUnsubscribe": mail["ListUnsubscribe"],
        "Date": mail["Date"],
        "Created": mail["Created"],
        "Tags": mail["Tags"],
        "Username": mail["Username"],
        "Text": mail["Text"],
        "HTML": mail["HTML"],
        "Size": mail["Size"],
        "Inline": mail["Inline"],
        "Attachments": mail["Files"],
        "Mailboxes": mail["Mailboxes"],
        "Envelope": mail["Envelope"],
        "Notes": mail["Notes"],
        "Events": mail["Events"],
        "IsSourceOnly": mail["IsSourceOnly"],
    }


def headers(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    """All header fields by their names, as Go writes these: `Message-Id`, in their order."""
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(canonical(name), []).append(value)
    return dict(sorted(found.items()))


def canonical(name: str) -> str:
    """The name of a header field as Go writes it (textproto.CanonicalMIMEHeaderKey); as it is if that is no name."""
    is_token = name.isascii() and all(letter.isalnum() or letter in "!#$%&'*+-.^_`|~" for letter in name)
    return "-".join(word.capitalize() for word in name.split("-")) if is_token else name
