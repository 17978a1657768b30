"""A mail as Mailpit's API is asked to send it, and as it is handed on.

Apart from composing.py, which loads much of the standard library: only who sends over the API needs that.
"""

from typing import NamedTuple, TypedDict


class SentAddress(TypedDict, total=False):
    """An address as it is sent."""

    Email: str
    Name: str | None


class SentAttachment(TypedDict, total=False):
    """An attachment as it is sent; with a ContentID it is a picture of the HTML."""

    Content: str
    """In base64, or a data URL."""
    Filename: str | None
    ContentType: str | None
    ContentID: str | None


class SentMail(TypedDict, total=False):
    """What is asked to be sent."""

    From: SentAddress
    To: list[SentAddress] | None
    Cc: list[SentAddress] | None
    Bcc: list[str] | None
    ReplyTo: list[SentAddress] | None
    Subject: str | None
    Text: str | None
    HTML: str | None
    Headers: dict[str, str] | None
    Tags: list[str] | None
    Attachments: list[SentAttachment] | None


class Letter(NamedTuple):
    """A mail that is ready to be sent."""

    sender: str
    recipients: list[str]
    octets: bytes
    tags: list[str]
