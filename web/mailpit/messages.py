"""One message: what is in it, its header, its source, its parts, and its HTML and text as documents."""

from collections.abc import Callable

from ..answering import found
from ..contract import Content, Inbox, Mail, Selection
from ..mail_content import UNSNIFFED, disposition, document, in_new_windows, linked, part_response, unconnected
from ..request import Request
from ..response import Reply, Response, data, refusal, text
from ..selecting import identified
from .shapes import headers, message


class Messages:
    """The actions on a message."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def message(self, request: Request, reply: Reply) -> None:
        """Opens a message, which is read then."""
        self._open(request, reply, lambda mail: reply.respond(data(message(mail))))

    def html(self, request: Request, reply: Reply) -> None:
        """Its HTML, with links to its pictures that lead to us. A browser that shows it gets frames empty."""

        def show(mail: Mail) -> None:
            if not mail["HTML"]:
                reply.respond(text("This message does not contain a HTML part\n", 404))
                return
            # A page that is shown says what it takes; programs, and scripts in pages, do not.
            is_shown = "text/html" in request.fields.get("accept", "")
            html = unconnected(mail["HTML"]) if is_shown else mail["HTML"]
            shown = linked(html, mail["Parts"], lambda part: f"../api/v1/message/{mail['ID']}/part/{part}")
            reply.respond(document(in_new_windows(shown) if request.first("embed") == "1" else shown))

        self._open(request, reply, show)

    def text(self, request: Request, reply: Reply) -> None:
        """Its text, or that of its HTML."""
        self._open(request, reply, lambda mail: reply.respond(text(mail["Text"])._replace(fields=(UNSNIFFED,))))

    def headers(self, request: Request, reply: Reply) -> None:
        """Its header fields."""

        def ask(id: str) -> None:
            self._inbox.open(request.sight, id, found(reply, lambda mail: reply.respond(data(headers(mail["Header"])))))

        identified(self._inbox, request, reply, ask)

    def raw(self, request: Request, reply: Reply) -> None:
        """Its source."""

        def ask(id: str) -> None:
            def show(octets: bytes) -> None:
                fields = [UNSNIFFED]
                if request.first("dl") == "1":
                    fields.append(disposition("attachment", f"{id}.eml"))
                reply.respond(Response(octets, fields=tuple(fields), may_be_cut=True))

            self._inbox.octets(request.sight, id, found(reply, show))

        identified(self._inbox, request, reply, ask)

    def part(self, request: Request, reply: Reply) -> None:
        """A part of it."""
        number = request.parameters["part"]

        def ask(id: str) -> None:
            def show(content: Content) -> None:
                reply.respond(part_response(content))

            self._inbox.part(request.sight, id, number, found(reply, show))

        identified(self._inbox, request, reply, ask)

    def release(self, request: Request, reply: Reply) -> None:
        """Sends it on to somebody: never."""
        reply.respond(refusal(400, "message relaying is not enabled: this server never sends mail on"))

    def _open(self, request: Request, reply: Reply, show: Callable[[Mail], None]) -> None:
        """Opens a message and marks it as read. A HEAD only looks whether it is there."""

        def opened(mail: Mail) -> None:
            if mail["Read"] or request.method == "HEAD":
                show(mail)
            else:
                marked = Selection([mail["ID"]])
                self._inbox.mark(request.sight, marked, True, found(reply, lambda _: show(mail), 503))

        identified(self._inbox, request, reply, lambda id: self._inbox.open(request.sight, id, found(reply, opened)))
