"""A message: its views, and the document of its HTML."""

from typing import Any

from ..answering import away
from ..contract import Away, Inbox, Mail, Mistake, Note, Page, Selection
from ..environment import Beside, ClientSession, LatestClients
from ..mail_content import SHOWN, linked
from ..request import Request
from ..response import NOWHERE, Reply, page
from .answers import sure
from .cleaning import as_sent, cleaned, may_be_cleaned, wants_remote
from .links import base_of
from .listing import seen_at
from .policies import frame
from .rendering import Renderer, part_address
from .sidebar import Sidebar, sidebar

TABS = ("html", "text", "headers", "source", "parts", "envelope", "notes")

_CUT: Note = {"Kind": "cut", "About": "text"}
"""The note of a text that was longer."""

_ALL = 1 << 20
"""Sessions of clients: more than are known."""

LONGEST_SHOWN = 1 << 20
"""Characters of a text, or octets of a source, that a page shows."""


class Reading:
    """The actions that show a message."""

    def __init__(self, inbox: Inbox, renderer: Renderer, beside: Beside, clients: LatestClients | None) -> None:
        self._inbox = inbox
        self._renderer = renderer
        self._beside = beside
        self._clients = clients

    def view(self, request: Request, reply: Reply) -> None:
        """A message in one of its views, the one that `tab` names. It counts as read from then on."""
        id = request.parameters["id"]
        if id == "latest":
            self._latest(request, reply)
            return

        def opened(mail: Mail | Away | None) -> None:
            if mail is None or isinstance(mail, Away):
                self._missing(request, reply, mail)
            elif mail["Read"] or request.method == "HEAD":
                self._source(request, reply, mail)
            else:
                marked = sure(reply, lambda _: self._source(request, reply, mail))
                self._inbox.mark(request.sight, Selection(ids=[id]), True, marked)

        self._inbox.open(request.sight, id, sure(reply, opened))

    def document(self, request: Request, reply: Reply) -> None:
        """The HTML of a message, for a frame: cleaned, or with `sent=1` as it came. With `remote=1` it loads all."""
        id = request.parameters["id"]
        has_remote, is_sent = request.first("remote") == "1", request.first("sent") == "1"

        def opened(mail: Mail | Away | None) -> None:
            if isinstance(mail, Away):
                reply.respond(away(mail))
                return
            if mail is None or not mail["HTML"]:
                reply.respond(NOWHERE)
                return
            source, base = mail["HTML"], base_of(request)

            def with_pictures(document: str) -> str:
                return linked(document, mail["Parts"], lambda part: part_address(base, id, part))

            def done(document: str | None) -> None:
                shown = document or with_pictures(as_sent(source, has_remote))
                reply.respond(page(shown, 200, frame(has_remote)))

            if is_sent or not may_be_cleaned(source):
                done(None)
            else:
                self._beside(lambda: with_pictures(cleaned(source, mail["Subject"])), sure(reply, done))

        self._inbox.open(request.sight, id, sure(reply, opened))

    def _latest(self, request: Request, reply: Reply) -> None:
        """Leads to the newest message, or the newest that `query` finds."""
        query = request.first("query").strip() or None

        def found(page: Page | Mistake | None) -> None:
            if isinstance(page, Page) and page.rows:
                tab = request.first("tab")
                ending = f"?tab={tab}" if tab in TABS else ""
                reply.respond(seen_at(f"{base_of(request)}/view/{page.rows[0]['ID']}{ending}"))
            else:
                self._missing(request, reply)

        selection = Selection(query=query, zone=self._renderer.zone_of(request))
        self._inbox.page(request.sight, selection, 0, 1, sure(reply, found))

    def _source(self, request: Request, reply: Reply, mail: Mail) -> None:
        """Reads the source, if that is what is to be shown."""
        tab = tab_of(mail, request.first("tab"))
        if tab != "source":
            self._show(request, reply, mail, tab, b"")
            return

        def read(octets: bytes | Away | None) -> None:
            if octets is None or isinstance(octets, Away):
                self._missing(request, reply, octets)
            else:
                self._show(request, reply, mail, tab, octets)

        self._inbox.octets(request.sight, mail["ID"], sure(reply, read))

    def _show(self, request: Request, reply: Reply, mail: Mail, tab: str, source: bytes) -> None:
        text = source.decode("utf-8", "replace") if tab == "source" else mail["Text"]
        values: dict[str, Any] = {
            "mail": mail,
            "tab": tab,
            "tabs": [name for name in TABS if name != "html" or mail["HTML"]],
            "text": text[:LONGEST_SHOWN],
            "is_cut": len(text) > LONGEST_SHOWN or (tab == "text" and _CUT in mail["Notes"]),
            "is_sent": request.first("sent") == "1",
            "has_remote": request.first("remote") == "1",
            "wants_remote": tab == "html" and wants_remote(mail["HTML"]),
            "is_cleaned": tab == "html" and may_be_cleaned(mail["HTML"]),
            "pictures": [part for part in mail["Inline"] if part["ContentType"] in SHOWN],
            "picture_types": SHOWN,
            "client": self._client(request, mail["Envelope"]["Id"]) if tab == "envelope" else None,
        }

        def shown(side: Sidebar) -> None:
            reply.respond(self._renderer.page(request, "message.html", side=side, **values))

        sidebar(self._inbox, request, sure(reply, shown))

    def _client(self, request: Request, id: str) -> ClientSession | None:
        """The session that brought a message, if that is over, known, and for the reader to see."""
        if self._clients is None or request.sight is not None or not id:
            return None
        return next((session for session in self._clients(_ALL) if id in session["Stored"]), None)

    def _missing(self, request: Request, reply: Reply, what: Away | None = None) -> None:
        def shown(side: Sidebar) -> None:
            reply.respond(self._renderer.trouble(request, side, "gone" if what is None else text_of(what)))

        sidebar(self._inbox, request, sure(reply, shown))


def text_of(what: Away) -> str:
    """What is said of a message that cannot be read now."""
    return "away" if what.is_database else "not now"


def tab_of(mail: Mail, wanted: str) -> str:
    """The view that is shown: the one that is wanted, if the message has it."""
    if wanted in TABS and (wanted != "html" or mail["HTML"]):
        return wanted
    if mail["IsSourceOnly"]:
        return "source"
    return "html" if mail["HTML"] else "text"
