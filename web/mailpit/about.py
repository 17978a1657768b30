"""What Mailpit's API tells of the server itself."""

from collections.abc import Callable, Iterator

from ..answering import Job, found, in_turn
from ..contract import Inbox, Page, Selection
from ..environment import Figures
from ..request import Request
from ..response import Reply, data, text
from ..selecting import phrase
from .shapes import WEBUI, AppInformation

MOST_COUNTED_TAGS = 100
"""Tags of which is told how many messages have them."""


class About:
    """The actions that tell of the server. `figures` gives those of this moment."""

    def __init__(self, inbox: Inbox, figures: Callable[[], Figures]) -> None:
        self._inbox = inbox
        self._figures = figures

    def info(self, request: Request, reply: Reply) -> None:
        """The server, how much mail there is, and what it has done."""
        counts: dict[str, int] = {}

        def counted(page: Page, tags: list[str]) -> None:
            in_turn(self._counts(request, reply, tags, counts), lambda: reply.respond(data(self._info(page, counts))))

        def listed(page: Page) -> None:
            self._inbox.tags(request.sight, found(reply, lambda tags: counted(page, tags[:MOST_COUNTED_TAGS]), 503))

        self._inbox.page(request.sight, Selection(), 0, 0, found(reply, listed, 503))

    def webui(self, request: Request, reply: Reply) -> None:
        """How Mailpit's page would be set up."""
        reply.respond(data(WEBUI))

    def chaos(self, request: Request, reply: Reply) -> None:
        """Faults on purpose: there are none."""
        reply.respond(text("Chaos is not enabled\n", 400))

    def _counts(self, request: Request, reply: Reply, tags: list[str], counts: dict[str, int]) -> Iterator[Job]:
        for tag in tags:

            def count(done: Callable[[], None], tag: str = tag) -> None:
                def counted(page: Page) -> None:
                    counts[tag] = page.found
                    done()

                self._inbox.page(request.sight, Selection(query=f"tag:{phrase(tag)}"), 0, 0, found(reply, counted, 503))

            yield count

    def _info(self, page: Page, tags: dict[str, int]) -> AppInformation:
        figures = self._figures()
        return {
            "Version": figures.version,
            "LatestVersion": "disabled",
            "Database": figures.database,
            "DatabaseSize": figures.database_size,
            "Messages": page.total,
            "Unread": page.unread,
            "Tags": tags,
            "RuntimeStats": {
                "Uptime": figures.uptime,
                "Memory": figures.memory,
                "MessagesDeleted": figures.deleted,
                "SMTPAccepted": figures.accepted,
                "SMTPAcceptedSize": figures.accepted_size,
                "SMTPRejected": figures.rejected,
                "SMTPIgnored": 0,
            },
        }
