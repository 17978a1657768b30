"""Sending mail over Mailpit's API: to our own SMTP side, as any client does, so that it is stored as any mail."""

import uuid
from functools import partial

from ..answering import carefully
from ..contract import Inbox, Mistake, Page, Selection
from ..environment import Outcome, Tools
from ..request import Request, RequestError
from ..response import Reply, Response, data
from ..selecting import phrase
from ..waits import Told, Wait
from .sent_mail import Letter

LONGEST_INDEX_WAIT = 10.0
"""Seconds in which a message that was accepted must be in the index, to be told its id."""

_TOO_LARGE = 552
"""What an SMTP server says to a message that is too large (RFC 5321, RFC 1870)."""


class Sending:
    """The action that sends."""

    def __init__(self, inbox: Inbox, tools: Tools) -> None:
        self._inbox = inbox
        self._tools = tools

    def send(self, request: Request, reply: Reply) -> None:
        """Sends a mail; answers its id when it is in the index."""
        message_id, now = f"{uuid.uuid4().hex}@carteiro.invalid", self._tools.now()

        def compose() -> Letter | RequestError:
            # Only who sends needs the package email, and its memory.
            from .composing import letter

            try:
                return letter(request.form(), message_id, now)
            except RequestError as error:
                return error

        def composed(mail: Letter | RequestError | None) -> None:
            carefully(reply, lambda: self._submit(reply, message_id, mail))

        # Large ones take seconds: 50 MiB of JSON are read, and decoded, and encoded again.
        self._tools.beside(compose, composed)

    def _submit(self, reply: Reply, message_id: str, mail: Letter | RequestError | None) -> None:
        if mail is None:
            reply.respond(failure(500, "the message could not be written"))
            return
        if isinstance(mail, RequestError):
            reply.respond(failure(mail.status, str(mail)))
            return

        def answered(outcome: Outcome) -> None:
            carefully(reply, lambda: self._sent(reply, mail, message_id, outcome))

        self._tools.submit(mail.sender, mail.recipients, mail.octets, answered)

    def _sent(self, reply: Reply, mail: Letter, message_id: str, outcome: Outcome) -> None:
        if outcome.code >= 500:
            reply.respond(failure(413 if outcome.code == _TOO_LARGE else 400, f"{outcome.code} {outcome.text}".strip()))
            return
        if outcome.code >= 400:
            reply.respond(failure(503, f"{outcome.code} {outcome.text}".strip()))
            return
        selection = Selection(query=f"message-id:{phrase(message_id)}")

        def ask(answer: Told) -> None:
            # Whoever sent it may know its id, in whatever mailbox it is.
            self._inbox.page(None, selection, 0, 1, answer)

        told = partial(self._found, reply, mail)
        call_later = self._tools.call_later
        wait = Wait(self._inbox, call_later, ask, lambda page: page.found > 0, None, LONGEST_INDEX_WAIT, told)
        reply.left(wait.cancel)

    def _found(self, reply: Reply, mail: Letter, page: Page | Mistake | None) -> None:
        if not isinstance(page, Page) or not page.rows:
            reply.respond(failure(504, "the message was accepted, but is not to be seen yet"))
            return
        id = page.rows[0]["ID"]

        def tagged(_: int | None) -> None:
            reply.respond(data({"ID": id}))

        if mail.tags:
            self._inbox.tag(None, [id], mail.tags, tagged)
        else:
            tagged(0)


def failure(status: int, why: str) -> Response:
    """An error as this part of Mailpit's API words it."""
    return data({"Error": why}, status)
