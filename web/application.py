"""From a request to its action: the gate, the mailbox that the path names, the route.

Knows nothing about what the actions do.
"""

from collections.abc import Callable

from .answering import carefully
from .connection import LONGEST_BODY
from .gate import Gate
from .request import Request, Target
from .response import NOWHERE, Reply, Response, Stream
from .routing import Access, Found, Route, Router

LONGEST_SENT_BODY = 50 << 20
"""Octets of a request's body that has a message in it."""

SENDING = ("/api/v1/send",)
"""Paths of requests that have a message in them."""


class Application:
    """Answers requests. `root` is what stands before all paths, as `/mail`, or "".

    All that is under `/` is under `/mailbox/NAME/`, too: in the sight of that mailbox.
    """

    def __init__(self, routes: list[Route], gate: Gate, root: str = "") -> None:
        self._router = Router(routes)
        self._gate = gate
        self._root = root.rstrip("/")

    def __call__(self, request: Request, reply: Reply) -> None:
        """Answers a request, now or later."""
        refused = self._gate.refusal_of_host(request)
        placed = refused or self._placed(request)
        found = placed if isinstance(placed, Response) else self._router.find(placed)
        shared = self._gate.sharing(request)
        if isinstance(found, Response):
            reply.respond(found._replace(fields=(*found.fields, *shared)))
            return
        refused = self._gate.refusal_of_origin(request, found.route.access)
        if refused:
            reply.respond(refused)
            return
        self._admit(found, _Shared(reply, shared) if shared else reply)

    def longest_body(self, path: str) -> int:
        """How many octets the body of a request for a path may have."""
        return LONGEST_SENT_BODY if path.endswith(SENDING) else LONGEST_BODY

    def _admit(self, found: Found, reply: Reply) -> None:
        if found.route.access is Access.HEALTH:
            found.route.action(found.request, reply)
            return

        def admitted(admitted: Request | Response) -> None:
            if isinstance(admitted, Response):
                reply.respond(admitted)
            else:
                # The name may have been checked beside the loop: then nobody else looks after what this raises.
                carefully(reply, lambda: found.route.action(admitted, reply))

        self._gate.admit(found.request, admitted)

    def _placed(self, request: Request) -> Request | Response:
        """The request with the path of its route, and the mailbox that stood before it."""
        path, base = request.target.path, self._root
        if not (path + "/").startswith(base + "/"):
            return NOWHERE
        path = path[len(base) :] or "/"
        sight = request.sight
        if path.startswith("/mailbox/") and len(segments := path.split("/", 3)) > 3:
            sight = segments[2].lower()
            base, path = f"{base}/mailbox/{segments[2]}", "/" + segments[3]
        target = Target(path, request.target.query)
        return request._replace(target=target, sight=sight, base=base)


class _Shared:
    """A reply that a page of another origin may read."""

    __slots__ = ("_fields", "_reply")

    def __init__(self, reply: Reply, fields: tuple[tuple[str, str], ...]) -> None:
        self._reply = reply
        self._fields = fields

    def left(self, gone: Callable[[], None]) -> None:
        self._reply.left(gone)

    def respond(self, response: Response) -> None:
        self._reply.respond(response._replace(fields=(*response.fields, *self._fields)))

    def stream(self, type: str, gone: Callable[[], None], fields: tuple[tuple[str, str], ...] = ()) -> Stream:
        return self._reply.stream(type, gone, (*fields, *self._fields))
