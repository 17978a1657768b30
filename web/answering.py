"""Answers that come later: what goes wrong then is told to the client as well, and costs nobody else anything.

Knows nothing about what is asked for.
"""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

from .contract import Away, Mistake
from .request import RequestError
from .response import NOWHERE, Reply, Response, later, refusal

log = logging.getLogger("carteiro.web")

T = TypeVar("T")


def carefully(reply: Reply, call: Callable[[], None]) -> None:
    """Makes a call that answers a request. A RequestError is the answer; another exception is logged, and is a 500."""
    try:
        call()
    except RequestError as error:
        reply.respond(refusal(error.status, str(error)))
    except Exception:
        log.exception("an answer failed")
        reply.respond(refusal(500))


def found(reply: Reply, go_on: Callable[[T], None], missing: int = 404) -> Callable[[T | Away | Mistake | None], None]:
    """What an inbox is to call: it goes on with what was found. A mistake in a query is a 400, what is away a 503; None has
    status `missing`.
    """

    def answer(value: T | Away | Mistake | None) -> None:
        if isinstance(value, Mistake):
            reply.respond(refusal(400, value.text))
        elif isinstance(value, Away):
            reply.respond(away(value))
        elif value is None:
            reply.respond(NOWHERE if missing == 404 else later(UNREADABLE))
        else:
            carefully(reply, lambda: go_on(value))

    return answer


UNREADABLE = "the mail cannot be read now: try again"


def away(what: Away) -> Response:
    """A response about a message that cannot be read now."""
    return later("the database is away: try again" if what.is_database else UNREADABLE)


Job = Callable[[Callable[[], None]], None]
"""Something that takes a while: it calls what it is given when it is done, now or later."""


def in_turn(jobs: Iterator[Job], done: Callable[[], None]) -> None:
    """Does jobs one after another, then calls `done`. Jobs that are done at once make no deep recursion."""
    is_inside = is_free = False

    def go_on() -> None:
        nonlocal is_inside, is_free
        is_free = True
        if is_inside:
            return
        is_inside = True
        while is_free:
            is_free = False
            job = next(jobs, None)
            if job is None:
                done()
            else:
                job(go_on)
        is_inside = False

    go_on()
