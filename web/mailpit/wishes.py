"""The bodies of requests of Mailpit's API, and small answers, as types: the description of the API is made of them."""

from typing import TypedDict


class Deletion(TypedDict, total=False):
    """What is to be deleted; everything, without ids."""

    IDs: list[str] | None


class ReadStatus(TypedDict, total=False):
    """What is to be marked, and how."""

    IDs: list[str] | None
    Read: bool | None
    Search: str | None


class TagsOfMessages(TypedDict, total=False):
    """Messages, and the tags that they are to have."""

    IDs: list[str] | None
    Tags: list[str] | None


class NewName(TypedDict):
    """A new name for a tag."""

    Name: str


class Sent(TypedDict):
    """The id of a message that was sent."""

    ID: str


class SentError(TypedDict):
    """Why it was not sent."""

    Error: str
