"""The rows of carteiro's own API, and all rows of all three."""

from ..contract import Inbox, Mailbox
from ..environment import ClientSession, Tools
from ..events import Streams
from ..mailhog import table as mailhog
from ..mailpit import table as mailpit
from ..operation import EVENTS, JSON, ZONE, Answer, Operation, Parameter
from ..routing import Access, Route
from ..waits import LONGEST_WAIT, USUAL_WAIT, WaitingRoom
from . import watched
from .arrivals import Arrivals, Waits
from .changes import ChangeStreams
from .clients import MOST_LISTED, USUALLY_LISTED, Clients
from .mailboxes import LONGEST_DELAY, Deleted, Mailboxes, Restored, Restoring, Wish
from .openapi import Description

GROUP = "carteiro"
_QUERY = Parameter("query", "Only messages that this search finds.")
_AFTER = Parameter(
    "after",
    "Only messages that came after this one (an id), or at or after this moment (RFC 3339; it counts in whole seconds).",
)
_TIMEOUT = Parameter(
    "timeout",
    "Seconds to wait.",
    {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT, "default": USUAL_WAIT},
)
_DELAY = Parameter(
    "delay",
    "Seconds for which it can be taken back.",
    {"type": "integer", "minimum": 0, "maximum": LONGEST_DELAY, "default": 0},
)

_LIMIT = Parameter(
    "limit",
    "How many.",
    {"type": "integer", "minimum": 0, "maximum": MOST_LISTED, "default": USUALLY_LISTED},
)


def routes(inbox: Inbox, tools: Tools) -> list[Route]:
    """All rows that programs can ask for."""
    waiting, streams = WaitingRoom(inbox, tools.call_later), Streams(tools.call_later)
    description = Description(tools.figures().version)
    rows = [
        *mailpit.routes(inbox, waiting, tools),
        *mailhog.routes(inbox, streams),
        *_of_mailboxes(Mailboxes(inbox)),
        *_of_mail(inbox, waiting, streams),
        *_of_the_server(inbox, tools, description),
    ]
    description.describe(rows)
    return rows


def _of_mail(inbox: Inbox, waiting: WaitingRoom, streams: Streams) -> list[Route]:
    awaited = Operation(
        "waitForMessages",
        "Answers as soon as there are messages that the search finds.",
        GROUP,
        (_QUERY, _AFTER, _TIMEOUT, ZONE),
        answers={200: Answer("The messages, newest first.", JSON, Arrivals), 204: Answer("None came in time.", "")},
    )
    told = Operation(
        "streamChanges",
        "Tells of changes: `came` with messages, `gone` with ids, `reset` when all may have changed.",
        GROUP,
        answers={200: Answer("Events.", EVENTS, bytes)},
    )
    return [
        Route("GET", "/api/wait", Waits(inbox, waiting).wait, about=awaited),
        Route("GET", "/api/stream", ChangeStreams(inbox, streams).stream, Access.STREAMING, told),
    ]


def _of_mailboxes(mailboxes: Mailboxes) -> list[Route]:
    listed = Operation(
        "listMailboxes",
        "Lists mailboxes, and how much is in each.",
        GROUP,
        answers={200: Answer("By name.", JSON, list[Mailbox])},
    )
    deleted = Operation(
        "deleteWithDelay",
        "Deletes messages: those with these ids, that a search finds, or all. Until the delay is over they can come back.",
        GROUP,
        (_DELAY, ZONE),
        Wish,
        {200: Answer("Their ids.", JSON, Deleted)},
    )
    restored = Operation(
        "restoreMessages",
        "Takes deletions back whose delay is not over.",
        GROUP,
        (),
        Restoring,
        {200: Answer("How many messages are back.", JSON, Restored)},
    )
    return [
        Route("GET", "/api/mailboxes", mailboxes.mailboxes, about=listed),
        Route("DELETE", "/api/messages", mailboxes.delete, Access.CHANGING, deleted),
        Route("POST", "/api/restore", mailboxes.restore, Access.CHANGING, restored),
    ]


def _of_the_server(inbox: Inbox, tools: Tools, description: Description) -> list[Route]:
    document = {200: Answer("OpenAPI 3.1.", JSON, dict[str, object])}
    described = Operation("describe", "Describes all of this.", GROUP, answers=document)
    mailpits = Operation("describeMailpit", "Describes Mailpit's part.", mailpit.GROUP, answers=document)
    examined = Operation(
        "listClients",
        "With --fussy: the latest sessions of SMTP clients, newest first, and what each did against the RFCs.",
        GROUP,
        (_LIMIT,),
        answers={200: Answer("Sessions.", JSON, list[ClientSession])},
    )
    return [
        Route("GET", "/api/clients", Clients(tools.clients).clients, about=examined),
        Route("GET", "/api/openapi.json", description.openapi, about=described),
        Route("GET", "/api/v1/swagger.json", description.swagger, about=mailpits),
        *watched.routes(tools.watch, tools.call_later, inbox, GROUP, Access.READING),
    ]
