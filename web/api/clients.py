"""What clients did against the RFCs: the action that lists their latest sessions."""

from ..environment import LatestClients
from ..request import Request, RequestError
from ..response import Reply, data

MOST_LISTED = 1000
USUALLY_LISTED = 50


class Clients:
    """The action. `latest` gives that many sessions, newest first; None: clients are not examined."""

    def __init__(self, latest: LatestClients | None) -> None:
        self._latest = latest

    def clients(self, request: Request, reply: Reply) -> None:
        """Lists the latest sessions. They belong to no mailbox: they are for those who may see all."""
        if request.sight is not None:
            raise RequestError(403, "sessions of clients are for those who may see all mailboxes")
        if self._latest is None:
            raise RequestError(404, "clients are not examined: start the server with --fussy")
        reply.respond(data(self._latest(request.number("limit", USUALLY_LISTED, MOST_LISTED))))
