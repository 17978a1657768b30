"""Lists of mail: all of it, what a search finds, and rows for scripts."""

from typing import Any, NamedTuple

from ..contract import Inbox, Mistake, Page, Selection
from ..request import Request
from ..response import RETRY_AFTER, Reply, Response
from .answers import sure
from .deletions import Deletions
from .languages import Language
from .links import base_of, list_address
from .rendering import Renderer
from .sidebar import Sidebar, sidebar

ROWS = 50
"""Rows of a page."""

MOST_ROWS = 200
"""Rows that a script gets at once."""

FARTHEST = 10**9
"""The number of a row."""


class Wanted(NamedTuple):
    """Which part of which list."""

    query: str | None
    start: int
    limit: int


class Listing:
    """The actions that show lists."""

    def __init__(self, inbox: Inbox, renderer: Renderer, deletions: Deletions) -> None:
        self._inbox = inbox
        self._renderer = renderer
        self._deletions = deletions

    def everything(self, request: Request, reply: Reply) -> None:
        """All mail in sight."""
        self._show(request, reply, Wanted(None, request.number("start", 0, FARTHEST), ROWS))

    def search(self, request: Request, reply: Reply) -> None:
        """What a search finds. Without one, leads to all mail."""
        query = request.first("query")
        if query.strip():
            self._show(request, reply, Wanted(query, request.number("start", 0, FARTHEST), ROWS))
        else:
            reply.respond(seen_at(list_address(base_of(request), None)))

    def rows(self, request: Request, reply: Reply) -> None:
        """Rows for a script: `limit` of them from `start` on, or those with certain `ids`, which have commas between."""
        query = request.first("query") if "query" in request.target.query else None
        wanted = Wanted(query, request.number("start", 0, FARTHEST), request.number("limit", ROWS, MOST_ROWS))
        ids = [id for id in request.first("ids").split(",") if id][:MOST_ROWS]

        def found(page: Page | Mistake | None) -> None:
            if isinstance(page, Page):
                shown = sure(reply, lambda side: reply.respond(self._page(request, "rows.html", wanted, page, side)))
                sidebar(self._inbox, request, shown)
            else:
                reply.respond(self._failure(request, page, wanted, None))

        selection = Selection(ids=ids) if ids else self._selection(request, query)
        self._inbox.page(request.sight, selection, wanted.start, wanted.limit, sure(reply, found))

    def _show(self, request: Request, reply: Reply, wanted: Wanted) -> None:
        def found(page: Page | Mistake | None) -> None:
            def shown(side: Sidebar) -> None:
                if isinstance(page, Page):
                    reply.respond(self._page(request, "list.html", wanted, page, side))
                else:
                    reply.respond(self._failure(request, page, wanted, side))

            sidebar(self._inbox, request, sure(reply, shown))

        selection = self._selection(request, wanted.query)
        self._inbox.page(request.sight, selection, wanted.start, wanted.limit, sure(reply, found))

    def _selection(self, request: Request, query: str | None) -> Selection:
        return Selection(query=query, zone=self._renderer.zone_of(request))

    def _page(self, request: Request, template: str, wanted: Wanted, page: Page, side: Sidebar) -> Response:
        notice = self._notice(request) if template == "list.html" else None
        return self._renderer.page(
            request, template, wanted=wanted, page=page, side=side, notice=notice, mistake=None, rows_of_a_page=ROWS
        )

    def _failure(self, request: Request, fault: Mistake | None, wanted: Wanted, side: Sidebar | None) -> Response:
        """Why there is no list: the search means nothing, or the inbox cannot tell now."""
        status = 400 if fault else 503
        if side is None:
            return Response(status=status, fields=() if fault else (RETRY_AFTER,))
        if fault is None:
            return self._renderer.trouble(request, side, "not now")
        empty = Page(0, 0, 0, [])
        return self._renderer.page(
            request,
            "list.html",
            status,
            wanted=wanted,
            page=empty,
            side=side,
            notice=None,
            mistake=placed(wanted.query or "", fault, self._renderer.language_of(request)),
            rows_of_a_page=ROWS,
        )

    def _notice(self, request: Request) -> dict[str, Any] | None:
        """What a change has done, as the address says to which it has led."""
        key, undo = request.first("notice"), request.first("undo")
        if undo:
            ids = self._deletions.find(request.sight, undo)
            return {"key": "deleted", "number": len(ids), "undo": undo} if ids else None
        number = request.number("number", 0, FARTHEST)
        return {"key": key, "number": number, "undo": ""} if key in NOTICES else None


NOTICES = ("restored", "marked read", "marked unread", "too late", "nothing selected")
"""What may be said of a change that cannot be taken back."""


def placed(query: str, mistake: Mistake, language: Language) -> dict[str, str]:
    """A mistake, and the search in three pieces: the middle one is where it goes wrong."""
    at = min(mistake.at, len(query))
    rest = query[at:]
    word = rest.split(maxsplit=1)[0] if rest.strip() else ""
    end = at + len(rest) - len(rest.lstrip()) + len(word)
    text, code = language.explained(mistake)
    return {"text": text, "language": code, "before": query[:at], "place": query[at:end], "after": query[end:]}


def seen_at(address: str, fields: tuple[tuple[str, str], ...] = ()) -> Response:
    """A response that leads elsewhere: what is asked for there is asked for with GET."""
    return Response(status=303, fields=(("Location", address), ("Cache-Control", "no-store"), *fields))
