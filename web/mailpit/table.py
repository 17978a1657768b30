"""The rows of Mailpit's API."""

from ..contract import Inbox
from ..environment import Tools
from ..operation import JSON, LATEST, QUERY, START, TEXT, ZONE, Answer, Operation, Parameter
from ..routing import Access, Route
from ..selecting import MOST_ROWS
from ..waits import WaitingRoom
from .about import About
from .lists import Lists
from .messages import Messages
from .sending import Sending
from .sent_mail import SentMail
from .shapes import AppInformation, Message, MessagesSummary, WebUIConfiguration
from .tags import Tags
from .wishes import Deletion, NewName, ReadStatus, Sent, SentError, TagsOfMessages

GROUP = "Mailpit"
_LIMIT = Parameter(
    "limit",
    f"How many messages to list; 0 means all, {MOST_ROWS:,} at most.",
    {"type": "integer", "minimum": 0, "default": 50},
)
_EMBED = Parameter("embed", "1: links open new windows.")
_DOWNLOAD = Parameter("dl", "1: it is to be saved as a file.")
_OK = {200: Answer("`ok`")}
_LIST = {200: Answer("The messages, newest first.", JSON, MessagesSummary)}
_SENT = {
    200: Answer("The id of the message.", JSON, Sent),
    400: Answer("It cannot be sent so.", JSON, SentError),
    413: Answer("It is too large.", JSON, SentError),
    503: Answer("It cannot be sent now.", JSON, SentError),
    504: Answer("It was accepted, but cannot be seen yet.", JSON, SentError),
}
_OFF = {400: Answer("This is not enabled.")}


def routes(inbox: Inbox, waiting: WaitingRoom, tools: Tools) -> list[Route]:
    """All rows of Mailpit's API, but for its description."""
    return [*_of_lists(Lists(inbox, waiting)), *_of_messages(Messages(inbox)), *_others(inbox, tools)]


def _of_lists(lists: Lists) -> list[Route]:
    path, search, change = "/api/v1/messages", "/api/v1/search", Access.CHANGING
    about = Operation("listMessages", "Lists messages, newest first.", GROUP, (START, _LIMIT), answers=_LIST)
    found = Operation(
        "searchMessages",
        "Lists the messages that a search finds. With `Prefer: wait=10` it waits up to 10 seconds for the first one.",
        GROUP,
        (QUERY, START, _LIMIT, ZONE),
        answers=_LIST,
    )
    marked = Operation(
        "setReadStatus",
        "Marks messages as read or unread: those with these ids, or that a search finds; all, if neither is there.",
        GROUP,
        (ZONE,),
        ReadStatus,
        _OK,
    )
    deleted = Operation(
        "deleteMessages",
        "Deletes the messages with these ids; all, if there are none. Without an Accept field the answer has no body.",
        GROUP,
        body=Deletion,
        answers=_OK,
    )
    gone = Operation("deleteSearch", "Deletes the messages that a search finds.", GROUP, (QUERY, ZONE), answers=_OK)
    return [
        Route("GET", path, lists.messages, about=about),
        Route("PUT", path, lists.mark, change, marked),
        Route("DELETE", path, lists.delete, change, deleted),
        Route("GET", search, lists.search, about=found),
        Route("DELETE", search, lists.delete_search, change, gone),
    ]


def _of_messages(messages: Messages) -> list[Route]:
    path = "/api/v1/message/{id}"
    opened = {200: Answer("The message.", JSON, Message)}
    fields = {200: Answer("Values by names, as `Message-Id`.", JSON, dict[str, list[str]])}
    html = {200: Answer("The HTML, as it was sent but for these links.", "text/html"), 404: Answer("It has none.")}
    part = {200: Answer("The part.", "*/*", bytes), 206: Answer("The range of it.", "*/*", bytes)}
    source = {200: Answer("The source.", TEXT, bytes), 206: Answer("The range of it.", TEXT, bytes)}
    return [
        Route("GET", path, messages.message, about=_about("getMessage", "Opens a message, which is read then.", opened)),
        Route("GET", path + "/headers", messages.headers, about=_about("getHeaders", "Its header fields.", fields)),
        Route("GET", path + "/raw", messages.raw, about=_about("getSource", "Its source.", source, _DOWNLOAD)),
        Route("GET", path + "/part/{part}", messages.part, about=_about("getPart", "One of its parts.", part)),
        Route(
            "POST",
            path + "/release",
            messages.release,
            Access.CHANGING,
            Operation("releaseMessage", "Sends it on: never.", GROUP, answers=_OFF),
        ),
        Route(
            "GET",
            "/view/{id}.html",
            messages.html,
            about=_about("viewHtml", "Its HTML; links to its pictures lead to this API.", html, _EMBED),
        ),
        Route(
            "GET",
            "/view/{id}.txt",
            messages.text,
            about=_about("viewText", "Its text, or that of its HTML.", {200: Answer("The text.")}),
        ),
    ]


def _about(name: str, about: str, answers: dict[int, Answer], *more: Parameter) -> Operation:
    return Operation(name, about, GROUP, (LATEST, ZONE, *more), answers=answers)


def _others(inbox: Inbox, tools: Tools) -> list[Route]:
    tags, about, change = Tags(inbox), About(inbox, tools.figures), Access.CHANGING
    send = Operation("sendMessage", "Sends a message to our own SMTP port.", GROUP, (), SentMail, _SENT)
    all_tags = Operation("getTags", "Lists the tags in use.", GROUP, answers={200: Answer("The tags.", JSON, list[str])})
    tagged = Operation("setTags", "Gives messages these tags in place of theirs.", GROUP, (), TagsOfMessages, _OK)
    none = {**_OK, 404: Answer("No message has this tag.")}
    renamed = Operation("renameTag", "Renames a tag.", GROUP, (), NewName, none)
    deleted = Operation("deleteTag", "Takes a tag away from all messages.", GROUP, answers=none)
    info = Operation("getInfo", "The server.", GROUP, answers={200: Answer("It.", JSON, AppInformation)})
    webui = Operation(
        "getWebUI", "How Mailpit's page would be set up.", GROUP, answers={200: Answer("It.", JSON, WebUIConfiguration)}
    )
    return [
        Route("POST", "/api/v1/send", Sending(inbox, tools).send, change, send),
        Route("GET", "/api/v1/tags", tags.tags, about=all_tags),
        Route("PUT", "/api/v1/tags", tags.tag, change, tagged),
        Route("PUT", "/api/v1/tags/{tag}", tags.rename, change, renamed),
        Route("DELETE", "/api/v1/tags/{tag}", tags.delete, change, deleted),
        Route("GET", "/api/v1/info", about.info, about=info),
        Route("GET", "/api/v1/webui", about.webui, about=webui),
        Route("GET", "/api/v1/chaos", about.chaos, about=Operation("getChaos", "Faults: none.", GROUP, answers=_OFF)),
        Route("PUT", "/api/v1/chaos", about.chaos, change, Operation("setChaos", "Faults: none.", GROUP, answers=_OFF)),
    ]
