"""The rows for programs that look after the server, and what the description says of them."""

from collections.abc import Callable

from ..contract import Inbox
from ..environment import CallLater, Watch
from ..operation import Answer, Operation
from ..request import Request
from ..response import Reply, Response
from ..routing import Access, Action, Route
from .health import Health

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
"""The type of Prometheus's text format."""


def routes(
    watch: Watch, call_later: CallLater, inbox: Inbox | None = None, group: str = "", access: Access = Access.HEALTH
) -> list[Route]:
    """The rows. `access` is that of the figures: whether a name is asked for."""
    health = Health(watch.trouble, call_later, inbox)
    told = Operation("tellFigures", "Figures for Prometheus.", group, answers={200: Answer("Figures.", EXPOSITION)})
    lives = Operation("lives", "Whether the server lives.", group, answers={200: Answer("It does.")})
    ready = Operation("isReady", "Whether it takes mail and shows it.", group, answers={200: Answer("It does.")})
    return [
        Route("GET", "/metrics", _figures(watch.exposition), access, told),
        Route("GET", "/livez", health.lives, Access.HEALTH, lives),
        Route("GET", "/readyz", health.is_ready, Access.HEALTH, ready),
    ]


def _figures(exposition: Callable[[], bytes]) -> Action:
    def figures(request: Request, reply: Reply) -> None:
        reply.respond(Response(exposition(), EXPOSITION))

    return figures
