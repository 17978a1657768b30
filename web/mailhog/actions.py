"""The actions of MailHog's API."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

from ..answering import Job, away, found, in_turn
from ..contract import Away, Changes, Content, Inbox, Mail, Page, Row, Selection, Sight
from ..events import EventStream, Streams
from ..mail_content import UNSNIFFED, disposition, part_response
from ..request import Request, RequestError
from ..response import NOWHERE, Reply, Response, data, text
from ..selecting import MOST_ROWS, identified, phrase, window
from .items import Item, Items, item
from .pieces import piece, with_crlf

log = logging.getLogger("carteiro.web")

MOST_ITEMS = 250
"""Messages of a list."""

MOST_OCTETS = 16 << 20
"""Octets of all mails of a list: each is in it twice, or three times. A list has at least one."""

MOST_TOLD = 100
"""Messages that a stream can be behind; more are left out."""

LARGEST_TOLD = 256 << 10
"""Octets of a mail that a stream tells of."""

_KINDS = ("from", "to", "containing")


class MailHog:
    """The actions; each of a request and a reply."""

    def __init__(self, inbox: Inbox, streams: Streams) -> None:
        self._inbox = inbox
        self._streams = streams

    def messages(self, request: Request, reply: Reply) -> None:
        """Lists messages."""
        start, limit = window(request, 50, MOST_ITEMS)

        def listed(page: Page) -> None:
            self._gather(request, reply, page.rows, page.total, start)

        self._inbox.page(request.sight, Selection(), start, limit, found(reply, listed, 503))

    def search(self, request: Request, reply: Reply) -> None:
        """Lists those that are from or to somebody, or that have a text."""
        kind, query = request.first("kind"), request.first("query").strip()
        if kind not in _KINDS or not query:
            raise RequestError(400, "kind is from, to or containing, and query is not empty")
        start, limit = window(request, 50, MOST_ITEMS)
        words = phrase(query)
        if kind == "to":
            self._search_to(request, reply, query, start, limit)
            return

        def listed(page: Page) -> None:
            self._gather(request, reply, page.rows, page.found, start)

        selection = Selection(query=f"from:{words}" if kind == "from" else words)
        self._inbox.page(request.sight, selection, start, limit, found(reply, listed, 503))

    def message(self, request: Request, reply: Reply) -> None:
        """One message."""

        def ask(id: str) -> None:
            self._item(request.sight, id, found(reply, lambda made: reply.respond(data(made))))

        identified(self._inbox, request, reply, ask)

    def delete(self, request: Request, reply: Reply) -> None:
        """Deletes one."""

        def deleted(ids: list[str]) -> None:
            reply.respond(text("") if ids else NOWHERE)

        def ask(id: str) -> None:
            self._inbox.delete(request.sight, Selection([id]), 0, found(reply, deleted, 503))

        identified(self._inbox, request, reply, ask)

    def download(self, request: Request, reply: Reply) -> None:
        """Its source, as a file."""

        def ask(id: str) -> None:
            def show(octets: bytes) -> None:
                fields = (disposition("attachment", f"{id}.eml"), UNSNIFFED)
                reply.respond(Response(with_crlf(octets), "message/rfc822", fields=fields, may_be_cut=True))

            self._inbox.octets(request.sight, id, found(reply, show))

        identified(self._inbox, request, reply, ask)

    def part(self, request: Request, reply: Reply) -> None:
        """A part of it, as a file; they are numbered from 0."""
        number = request.parameters["number"]
        if not number.isascii() or not number.isdigit() or len(number) > 6:
            raise RequestError(400, "a part has a number, from 0 on")

        def ask(id: str) -> None:
            def show(octets: bytes) -> None:
                parts = piece(with_crlf(octets)).pieces or []
                if int(number) >= len(parts):
                    reply.respond(NOWHERE)
                    return
                part = parts[int(number)]
                type = part.first("content-type").partition(";")[0].strip().lower()
                reply.respond(part_response(Content(part.content(), type, "", ""), f"{id}-part-{number}", is_saved=True))

            self._inbox.octets(request.sight, id, found(reply, show))

        identified(self._inbox, request, reply, ask)

    def events(self, request: Request, reply: Reply) -> None:
        """A stream of the messages that come."""
        self._streams.open(request, reply, lambda stream: self._follow(request.sight, stream))

    def _search_to(self, request: Request, reply: Reply, query: str, start: int, limit: int) -> None:
        """MailHog's `to` is any recipient, whatever field names it: no term of ours says that."""

        def listed(page: Page) -> None:
            rows = [row for row in page.rows if _is_to(row, query.lower())]
            self._gather(request, reply, rows[start : start + limit], len(rows), start)

        selection = Selection(query=f"addressed:{phrase(query)}")
        self._inbox.page(request.sight, selection, 0, MOST_ROWS, found(reply, listed, 503))

    def _gather(self, request: Request, reply: Reply, rows: list[Row], total: int, start: int) -> None:
        """Reads the mails of a list, one after another. One that is gone meanwhile is left out; none may be that is away."""
        items: list[Item] = []
        missed: list[Away] = []
        has_left = False

        def leave() -> None:
            nonlocal has_left
            has_left = True

        def read(id: str, done: Callable[[], None]) -> None:
            def made(one: Item | Away | None) -> None:
                if isinstance(one, Away):
                    missed.append(one)
                elif one:
                    items.append(one)
                done()

            self._item(request.sight, id, made)

        def jobs() -> Iterator[Job]:
            octets = 0
            for row in rows:
                octets += row["Size"]
                if has_left or missed or (items and octets > MOST_OCTETS):
                    return
                yield partial(read, row["ID"])

        def gathered() -> None:
            listed: Items = {"total": total, "count": len(items), "start": start, "items": items}
            reply.respond(away(missed[0]) if missed else data(listed))

        reply.left(leave)
        in_turn(jobs(), gathered)

    def _item(self, sight: Sight, id: str, told: Callable[[Item | Away | None], None]) -> None:
        """Reads a mail; tells None if it is not there."""

        def opened(mail: Mail | Away | None) -> None:
            if mail is None or isinstance(mail, Away):
                told(mail)
            else:
                self._inbox.octets(sight, id, lambda octets: told(_made(mail, octets)))

        self._inbox.open(sight, id, opened)

    def _follow(self, sight: Sight, stream: EventStream) -> Callable[[], None]:
        """Tells a stream of what comes, in its order."""
        waiting: deque[str] = deque()
        is_busy = False

        def tell(done: Callable[[], None]) -> None:
            def told(made: Item | Away | None) -> None:
                if made and not isinstance(made, Away):
                    stream.send("", made)
                done()

            self._item(sight, waiting.popleft(), told)

        def jobs() -> Iterator[Job]:
            while waiting:
                yield tell

        def rest() -> None:
            nonlocal is_busy
            is_busy = False

        def changed(changes: Changes) -> None:
            nonlocal is_busy
            ids = [row["ID"] for row in changes.came if row["Size"] <= LARGEST_TOLD]
            waiting.extend(ids[: max(0, MOST_TOLD - len(waiting))])
            if not is_busy:
                is_busy = True
                in_turn(jobs(), rest)

        return self._inbox.watch(sight, changed)


def _made(mail: Mail, octets: bytes | Away | None) -> Item | Away | None:
    """A mail whose reading has an error of ours costs itself only."""
    if octets is None or isinstance(octets, Away):
        return octets
    try:
        return item(mail, octets)
    except Exception:
        log.exception("%s cannot be shown", mail["ID"])
        return None


def _is_to(row: Row, query: str) -> bool:
    people = (*row["To"], *row["Cc"], *row["Bcc"])
    return any(query in f"{person['Name']} <{person['Address']}>".lower() for person in people)
