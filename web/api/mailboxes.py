"""Mailboxes, and deleting with a way back."""

from typing import TypedDict

from ..answering import found
from ..contract import Inbox, Mailbox, Selection
from ..request import Request, RequestError
from ..response import Reply, data
from ..selecting import flag_of, ids_of, only, text_of, zone_of

LONGEST_DELAY = 60
"""Seconds for which a deletion can be taken back."""


class Wish(TypedDict, total=False):
    """What is to be deleted: one of these."""

    ids: list[str] | None
    query: str | None
    all: bool | None


class Restoring(TypedDict):
    """What is to be taken back."""

    ids: list[str]


class Deleted(TypedDict):
    """What was deleted."""

    ids: list[str]


class Restored(TypedDict):
    """How many messages are back."""

    restored: int


class Mailboxes:
    """The actions."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def mailboxes(self, request: Request, reply: Reply) -> None:
        """Lists mailboxes, and how much is in each. In the sight of one it lists that one."""

        def show(mailboxes: list[Mailbox]) -> None:
            reply.respond(data([each for each in mailboxes if request.sight in (None, each["Name"])]))

        self._inbox.mailboxes(found(reply, show, 503))

    def delete(self, request: Request, reply: Reply) -> None:
        """Deletes messages, for good after `delay` seconds; until then they can be taken back."""
        delay = request.number("delay", 0, LONGEST_DELAY)
        form = request.form()
        only(form, "ids", "query", "all")
        ids, query, is_all = ids_of(form), text_of(form, "query").strip(), flag_of(form, "all")
        if bool(ids) + bool(query) + is_all != 1:
            raise RequestError(400, "name either ids, or a query, or all")
        selection = Selection(ids) if ids else Selection(query=query, zone=zone_of(request)) if query else Selection()

        def show(ids: list[str]) -> None:
            deleted: Deleted = {"ids": ids}
            reply.respond(data(deleted))

        self._inbox.delete(request.sight, selection, delay, found(reply, show, 503))

    def restore(self, request: Request, reply: Reply) -> None:
        """Takes back deletions whose delay is not over."""
        form = request.form()
        only(form, "ids")
        ids = ids_of(form)
        if not ids:
            raise RequestError(400, "name ids")

        def show(count: int) -> None:
            restored: Restored = {"restored": count}
            reply.respond(data(restored))

        self._inbox.restore(request.sight, ids, found(reply, show, 503))
