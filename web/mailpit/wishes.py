"""The bodies of requests of Mailpit's API, and small answers, as types: the description of the API is made of them."""

from typing import TypedDict


class Deletion(TypedDict, total=False):
    """What is to be deleted; everything, without ids."""

    IDs: list[str]


class ReadStatus(TypedDict, total=False):
    """What is to be marked, and how."""

    IDs: list[str]
    Read: bool
    Search: str


class TagsOfMessages(TypedDict, total=False):
    """Messages, and the tags that they are to have."""

    IDs: list[str]
    Tags: list[str]


class NewName(TypedDict):
    """A new name for a tag."""

    Name: str


class Sent(TypedDict):
    """The id of a message that was sent."""

    ID: str


class SentError(TypedDict):
    """Why it was not sent."""

    Error: str
