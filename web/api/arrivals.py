"""Waiting for mail: a request is answered as soon as there is what it waits for."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, TypedDict

from ..answering import found
from ..contract import Inbox, Page, Row, Selection
from ..request import Request, RequestError
from ..response import Reply, Response, data
from ..selecting import IS_ID, zone_of
from ..waits import LONGEST_WAIT, USUAL_WAIT, WaitingRoom

MOST_WAITED_FOR = 50
"""Messages that one wait can find: the newest."""

MOST_NEWER = 1_000
"""Messages among which the one named by `after` is looked for, to tell what came in the same second."""


class Arrivals(TypedDict):
    """What a request has waited for, newest first."""

    messages_count: int
    messages: list[Row]


class After(NamedTuple):
    """What is too old: received before a moment, or at it and known by then."""

    moment: str = ""
    known: frozenset[str] | None = frozenset()
    """Ids; None: all that came at the moment."""

    def is_old(self, row: Row) -> bool:
        """Whether a message does not count."""
        is_known = self.known is None or row["ID"] in self.known
        return row["Created"] < self.moment or (row["Created"] == self.moment and is_known)


class Waits:
    """The action that waits."""

    def __init__(self, inbox: Inbox, waiting: WaitingRoom) -> None:
        self._inbox = inbox
        self._waiting = waiting

    def wait(self, request: Request, reply: Reply) -> None:
        """Answers the messages that `query` finds and that came after `after`, as soon as there are any."""
        patience = request.number("timeout", USUAL_WAIT, LONGEST_WAIT)
        query, zone = request.first("query"), zone_of(request)
        selection = Selection(query=query, zone=zone) if query.strip() else Selection()
        self._after(request, reply, lambda after: self._begin(request, reply, selection, after, patience))

    def _begin(self, request: Request, reply: Reply, selection: Selection, after: After, patience: int) -> None:
        def new(page: Page) -> list[Row]:
            return [row for row in page.rows if not after.is_old(row)]

        def show(page: Page) -> None:
            rows = new(page)
            arrived: Arrivals = {"messages_count": len(rows), "messages": rows}
            reply.respond(data(arrived) if rows else Response(status=204))

        window, told = (0, MOST_WAITED_FOR), found(reply, show, 503)
        forget = self._waiting.wait(request.sight, selection, window, lambda page: bool(new(page)), patience, told)
        reply.left(forget)

    def _after(self, request: Request, reply: Reply, go_on: Callable[[After], None]) -> None:
        """What `after` means: a message, or a moment. Moments count in whole seconds, as servers date mail."""
        named = request.first("after").strip()
        if not IS_ID.fullmatch(named):
            go_on(After(_second_of(named)) if named else After())
            return

        def looked(page: Page) -> None:
            if not page.rows:
                raise RequestError(404, "there is no message with the id in after: name a moment, as 2026-11-28T01:02:03Z")
            moment = page.rows[0]["Created"]

            def listed(newest: Page) -> None:
                go_on(After(moment, _known(newest, named, moment)))

            self._inbox.page(request.sight, Selection(), 0, MOST_NEWER, found(reply, listed, 503))

        self._inbox.page(request.sight, Selection([named]), 0, 1, found(reply, looked, 503))


def _known(newest: Page, id: str, moment: str) -> frozenset[str] | None:
    """The messages of a moment that came no later than the one with an id."""
    ids = [row["ID"] for row in newest.rows]
    if id not in ids:
        return None
    return frozenset(row["ID"] for row in newest.rows[ids.index(id) :] if row["Created"] == moment)


def _second_of(text: str) -> str:
    """The second of a moment in RFC 3339, as `Created` has it."""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # a plus that was not encoded
        whole = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise RequestError(400, "after is neither an id nor a moment: write one as 2026-11-28T01:02:03Z") from None
    return whole.isoformat(timespec="milliseconds").replace("+00:00", "Z")
