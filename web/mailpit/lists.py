"""Lists of messages: listing, searching, marking and deleting them."""

import re

from ..answering import carefully, found
from ..contract import Inbox, Mistake, Page, Selection
from ..request import Request, RequestError
from ..response import Reply, data, text
from ..selecting import flag_of, ids_of, only, search_of, text_of, window, zone_of
from ..waits import LONGEST_WAIT, WaitingRoom
from .shapes import summary

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,4})\b", re.IGNORECASE)


class Lists:
    """The actions on lists."""

    def __init__(self, inbox: Inbox, waiting: WaitingRoom) -> None:
        self._inbox = inbox
        self._waiting = waiting

    def messages(self, request: Request, reply: Reply) -> None:
        """Lists messages."""
        start, limit = window(request)
        self._inbox.page(
            request.sight,
            Selection(),
            start,
            limit,
            found(reply, lambda page: self._show(request, reply, page, start, page.unread), 503),
        )

    def search(self, request: Request, reply: Reply) -> None:
        """Lists those that a search finds; with `Prefer: wait=10` (RFC 7240) it waits for the first one."""
        selection, (start, limit) = search_of(request), window(request)

        def count(page: Page) -> None:
            self._count_unread(request, reply, selection, start, page)

        show = found(reply, count, 503)
        wanted = _WAIT.search(request.fields.get("prefer", ""))
        if not wanted:
            self._inbox.page(request.sight, selection, start, limit, show)
            return
        patience = min(int(wanted[1]), LONGEST_WAIT)
        reply.left(self._waiting.wait(request.sight, selection, (start, limit), lambda page: page.found > 0, patience, show))

    def mark(self, request: Request, reply: Reply) -> None:
        """Marks messages as read or unread: those with these ids, that a search finds, or all."""
        form = request.form()
        only(form, "ids", "read", "search")
        ids, query, is_read = ids_of(form), text_of(form, "search"), flag_of(form, "read")
        if not query.strip():
            query = ""
        if ids and query:
            raise RequestError(400, "name either IDs or a Search, not both")
        selection = Selection(ids) if ids else Selection(query=query, zone=zone_of(request)) if query else Selection()
        self._inbox.mark(request.sight, selection, is_read, found(reply, lambda _: reply.respond(text("ok")), 503))

    def delete(self, request: Request, reply: Reply) -> None:
        """Deletes those with these ids; all of them if there are none."""
        form = request.form()
        only(form, "ids")
        ids = ids_of(form)
        # This is a row of MailHog's API, too. Its client for Node takes a body for JSON; it sends no Accept, unlike others.
        done = text("ok" if "accept" in request.fields else "")
        selection = Selection(ids) if ids else Selection()
        self._inbox.delete(request.sight, selection, 0, found(reply, lambda _: reply.respond(done), 503))

    def delete_search(self, request: Request, reply: Reply) -> None:
        """Deletes those that a search finds."""
        self._inbox.delete(request.sight, search_of(request), 0, found(reply, lambda _: reply.respond(text("ok")), 503))

    def _count_unread(self, request: Request, reply: Reply, selection: Selection, start: int, page: Page) -> None:
        """Asks how many of those that were found are unread, unless all of them are at hand, or all messages are alike."""
        at_hand = sum(not row["Read"] for row in page.rows)

        def counted(unread: Page | Mistake | None) -> None:
            count = unread.found if isinstance(unread, Page) else at_hand
            carefully(reply, lambda: self._show(request, reply, page, start, count))

        if len(page.rows) == page.found:
            self._show(request, reply, page, start, at_hand)
        elif page.unread in (0, page.total):
            self._show(request, reply, page, start, page.found if page.unread else 0)
        else:
            narrower = selection._replace(query=f"{selection.query} is:unread")
            self._inbox.page(request.sight, narrower, 0, 0, counted)

    def _show(self, request: Request, reply: Reply, page: Page, start: int, unread: int) -> None:
        self._inbox.tags(
            request.sight, found(reply, lambda tags: reply.respond(data(summary(page, start, unread, tags))), 503)
        )
