"""The routes of the page, for any inbox."""

from urllib.parse import quote

from ..contract import Inbox
from ..environment import Tools
from ..request import Request
from ..response import Reply
from ..routing import Access, Route
from . import assets
from .changing import Changing
from .deletions import Deletions
from .links import root_of
from .listing import Listing, seen_at
from .reading import Reading
from .rendering import Renderer


def pages(inbox: Inbox, tools: Tools, zone: str = "UTC") -> list[Route]:
    """The routes of the page. `zone` is the time zone of clients that have not told theirs: a name of the IANA database."""
    renderer, deletions = Renderer(tools.now, zone), Deletions(tools.now)
    listing, reading = Listing(inbox, renderer, deletions), Reading(inbox, renderer, tools.beside, tools.clients)
    changing = Changing(inbox, renderer, deletions)
    return [
        Route("GET", "/", listing.everything),
        Route("GET", "/search", listing.search),
        Route("GET", "/rows", listing.rows),
        Route("GET", "/view/{id}", reading.view),
        Route("GET", "/view/{id}/html", reading.document),
        Route("GET", "/mailbox", _named_mailbox),
        Route("GET", "/mailbox/{name}", _mailbox),
        Route("GET", "/static/{hash}/{name}", assets.show),
        Route("POST", "/mark/{state}", changing.mark, Access.CHANGING),
        Route("POST", "/delete", changing.delete, Access.CHANGING),
        Route("POST", "/restore", changing.restore, Access.CHANGING),
    ]


def _named_mailbox(request: Request, reply: Reply) -> None:
    """Leads to the mailbox that a form names."""
    name = request.first("name").strip()
    reply.respond(seen_at(f"{root_of(request)}/mailbox/{quote(name, safe='')}/" if name else f"{root_of(request)}/"))


def _mailbox(request: Request, reply: Reply) -> None:
    """Leads to where the links of a mailbox begin."""
    reply.respond(seen_at(f"{root_of(request)}/mailbox/{quote(request.parameters['name'], safe='')}/"))
