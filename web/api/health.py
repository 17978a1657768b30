"""Whether the server lives, and whether it can show mail: for programs that look after it."""

from ..contract import Inbox, Mailbox
from ..environment import CallLater
from ..request import Request
from ..response import Reply, refusal, text

PATIENCE = 5.0
"""Seconds in which the index must answer for the server to be ready."""


class Health:
    """The actions; they tell nothing about mail."""

    def __init__(self, inbox: Inbox, call_later: CallLater) -> None:
        self._inbox = inbox
        self._call_later = call_later

    def lives(self, request: Request, reply: Reply) -> None:
        """It does, since it answers."""
        reply.respond(text("ok\n"))

    def is_ready(self, request: Request, reply: Reply) -> None:
        """Asks the index something small. A reply drops whatever comes second."""

        def answered(mailboxes: list[Mailbox] | None) -> None:
            timer.cancel()
            reply.respond(text("ok\n") if mailboxes is not None else refusal(503))

        timer = self._call_later(PATIENCE, lambda: reply.respond(refusal(503)))
        self._inbox.mailboxes(answered)
