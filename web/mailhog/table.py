"""The rows of MailHog's API, but for `DELETE /api/v1/messages`, which is one of Mailpit's as well."""

from ..contract import Inbox
from ..events import Streams
from ..operation import EVENTS, JSON, LATEST, START, ZONE, Answer, Operation, Parameter
from ..routing import Access, Route
from .actions import MOST_ITEMS, MailHog
from .items import Item, Items

GROUP = "MailHog"
_LIMIT = Parameter(
    "limit",
    f"How many messages to list, {MOST_ITEMS} at most; fewer come if they are large.",
    {"type": "integer", "minimum": 0, "default": 50},
)
_KIND = Parameter("kind", "Where to look.", {"type": "string", "enum": ["from", "to", "containing"]}, True)
_TEXT = Parameter("query", "What to look for.", is_needed=True)
_LIST = {200: Answer("The messages, newest first.", JSON, Items)}


def routes(inbox: Inbox, streams: Streams) -> list[Route]:
    """All rows of MailHog's API."""
    hog, path = MailHog(inbox, streams), "/api/v1/messages/{id}"
    listed = Operation("hogMessages", "Lists messages, newest first, with all that is in them.", GROUP, (START, _LIMIT))
    searched = Operation("hogSearch", "Lists messages that a text is in.", GROUP, (_KIND, _TEXT, START, _LIMIT))
    one = Operation("hogMessage", "One message.", GROUP, (LATEST, ZONE), answers={200: Answer("It.", JSON, Item)})
    gone = Operation("hogDelete", "Deletes one.", GROUP, (LATEST, ZONE), answers={200: Answer("Nothing more to say.")})
    source = Operation("hogDownload", "Its source, as a file.", GROUP, (LATEST, ZONE), answers=_file("message/rfc822"))
    part = Operation("hogPart", "A part of it, as a file.", GROUP, (LATEST, ZONE), answers=_file("*/*"))
    told = Operation("hogEvents", "Each message that comes.", GROUP, answers={200: Answer("Events.", EVENTS, bytes)})
    return [
        Route("GET", "/api/v2/messages", hog.messages, about=listed._replace(answers=_LIST)),
        Route("GET", "/api/v2/search", hog.search, about=searched._replace(answers=_LIST)),
        Route("GET", path, hog.message, about=one),
        Route("DELETE", path, hog.delete, Access.CHANGING, gone),
        Route("GET", path + "/download", hog.download, about=source),
        Route("GET", path + "/mime/part/{number}/download", hog.part, about=part),
        Route("GET", "/api/v1/events", hog.events, Access.STREAMING, told),
    ]


def _file(type: str) -> dict[int, Answer]:
    return {200: Answer("The file.", type, bytes), 206: Answer("The range of it.", type, bytes)}
