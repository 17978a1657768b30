"""Whether the server lives, and whether it can take and show mail: for programs that look after it."""

from collections.abc import Callable

from ..contract import Inbox, Mailbox
from ..environment import CallLater
from ..request import Request
from ..response import Reply, refusal, text

PATIENCE = 5.0
"""Seconds in which the index must answer for the server to be ready."""


class Health:
    """The actions; they tell nothing about mail. `trouble` says why the server is not ready; "" if it is.

    Where mail is shown, there is an `inbox`, which must answer, too.
    """

    def __init__(self, trouble: Callable[[], str], call_later: CallLater, inbox: Inbox | None = None) -> None:
        self._trouble = trouble
        self._call_later = call_later
        self._inbox = inbox

    def lives(self, request: Request, reply: Reply) -> None:
        """It does, since it answers."""
        reply.respond(text("ok\n"))

    def is_ready(self, request: Request, reply: Reply) -> None:
        """Says what is wrong, or asks the index something small. A reply drops whatever comes second."""
        if trouble := self._trouble():
            reply.respond(refusal(503, trouble))
        elif self._inbox is None:
            reply.respond(text("ok\n"))
        else:
            self._ask(self._inbox, reply)

    def _ask(self, inbox: Inbox, reply: Reply) -> None:
        def answered(mailboxes: list[Mailbox] | None) -> None:
            timer.cancel()
            reply.respond(refusal(503, "the index cannot be read") if mailboxes is None else text("ok\n"))

        timer = self._call_later(PATIENCE, lambda: reply.respond(refusal(503, "the index does not answer")))
        inbox.mailboxes(answered)
