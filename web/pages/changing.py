"""Changes by plain forms: marking, deleting, and taking back. Each leads back to a list that says what was done.

A script asks for the notice alone, with `part=notice` in the form.
"""

from typing import Any

from ..answering import UNREADABLE
from ..contract import Inbox, Mistake, Selection
from ..request import Request, RequestError
from ..response import Reply, later, refusal
from ..selecting import IS_ID
from .answers import sure
from .deletions import DELAY, Deletions
from .links import base_of, list_address
from .listing import FARTHEST, seen_at
from .rendering import Renderer

_STATES = {"read": True, "unread": False}


class Changing:
    """The actions that change mail. Forms have `id`, as often as needed or with commas between ids; or `all`,
    which goes with `query` if there is one.
    """

    def __init__(self, inbox: Inbox, renderer: Renderer, deletions: Deletions) -> None:
        self._inbox = inbox
        self._renderer = renderer
        self._deletions = deletions

    def mark(self, request: Request, reply: Reply) -> None:
        """Marks messages as `state` says, read or unread."""
        is_read = _STATES.get(request.parameters["state"])
        if is_read is None:
            raise RequestError(404, "messages are marked as read or unread")
        selection = self._selection(request)
        if selection is None:
            self._tell(request, reply, "nothing selected")
            return
        key = "marked read" if is_read else "marked unread"

        def marked(number: int | Mistake | None) -> None:
            if isinstance(number, int):
                self._tell(request, reply, key, number)
            else:
                _refuse(reply, number)

        self._inbox.mark(request.sight, selection, is_read, sure(reply, marked))

    def delete(self, request: Request, reply: Reply) -> None:
        """Deletes messages, which can be taken back for a while."""
        selection = self._selection(request)
        if selection is None:
            self._tell(request, reply, "nothing selected")
            return

        def deleted(ids: list[str] | Mistake | None) -> None:
            if isinstance(ids, list):
                undo = self._deletions.keep(request.sight, ids) if ids else ""
                self._tell(request, reply, "deleted" if ids else "nothing selected", len(ids), undo)
            else:
                _refuse(reply, ids)

        self._inbox.delete(request.sight, selection, DELAY, sure(reply, deleted))

    def restore(self, request: Request, reply: Reply) -> None:
        """Takes back the deletion with the name `undo`."""
        name = _first(request.form(), "undo")
        ids = self._deletions.find(request.sight, name)

        def restored(number: int | None) -> None:
            self._deletions.drop(name)
            self._tell(request, reply, "restored" if number else "too late", number or 0)

        if ids:
            self._inbox.restore(request.sight, ids, sure(reply, restored))
        else:
            self._tell(request, reply, "too late")

    def _selection(self, request: Request) -> Selection | None:
        """What a form is about; None if it is about nothing."""
        form = request.form()
        if _first(form, "all"):
            return Selection(query=_first(form, "query") or None, zone=self._renderer.zone_of(request))
        ids = [id for value in _words(form, "id") for id in value.split(",") if IS_ID.fullmatch(id)]
        return Selection(ids=ids) if ids else None

    def _tell(self, request: Request, reply: Reply, key: str, number: int = 0, undo: str = "") -> None:
        form = request.form()
        query = _first(form, "query") or None
        if _first(form, "part") == "notice":
            notice = {"key": key, "number": number, "undo": undo}
            reply.respond(self._renderer.page(request, "notice.html", notice=notice, query=query, start=0))
            return
        start = _first(form, "start")
        said = {"undo": undo} if undo else {"notice": key, "number": str(number)}
        at = min(int(start), FARTHEST) if start.isascii() and start.isdigit() and len(start) < 10 else 0
        reply.respond(seen_at(list_address(base_of(request), query, at, **said)))


def _refuse(reply: Reply, fault: Mistake | None) -> None:
    reply.respond(refusal(400, fault.text) if fault else later(UNREADABLE))


def _words(form: dict[str, Any], name: str) -> list[str]:
    """The values of a field; a body in JSON may have anything there."""
    values = form.get(name, [])
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _first(form: dict[str, Any], name: str) -> str:
    return next(iter(_words(form, name)), "")
