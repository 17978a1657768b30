"""What stands beside every page: the mailboxes that the client may see, and how much is in them."""

from collections.abc import Callable
from typing import NamedTuple

from ..contract import Inbox, Mailbox, Mistake, Page, Selection
from ..request import Request

MOST_MAILBOXES = 200
"""Mailboxes that are listed; to one of more a name leads."""


class Sidebar(NamedTuple):
    """The mailboxes, and all mail."""

    mailboxes: list[Mailbox]
    more: int
    """Mailboxes that are not listed."""
    total: int | None
    """Messages in all mailboxes; None if the client may not know."""
    unread: int


def sidebar(inbox: Inbox, request: Request, answer: Callable[[Sidebar], None]) -> None:
    """Answers with the mailboxes that the client may know of. If the inbox cannot tell, there are none."""

    def listed(mailboxes: list[Mailbox] | None) -> None:
        known = [one for one in mailboxes or () if not request.is_confined or one["Name"] == request.sight]
        shown = known[:MOST_MAILBOXES]
        own = [one for one in known[MOST_MAILBOXES:] if one["Name"] == request.sight]
        found = Sidebar([*shown, *own], len(known) - len(shown) - len(own), None, 0)
        if request.is_confined:
            answer(found)
            return

        def counted(page: Page | Mistake | None) -> None:
            answer(found._replace(total=page.total, unread=page.unread) if isinstance(page, Page) else found)

        inbox.page(None, Selection(), 0, 1, counted)

    inbox.mailboxes(listed)
