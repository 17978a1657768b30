"""The routes: a total table of path and method, and for each who may use it.

What stands in no row is 404, a path with other methods 405. Knows nothing about what the actions do.
"""

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

from .operation import Operation
from .request import Request
from .response import NOWHERE, Reply, Response, refusal

KINDS = {"id": r"[0-9A-Za-z]{22}|latest", "part": r"\d{1,6}(?:\.\d{1,6}){0,25}"}
"""What may stand for a parameter of a path; for any other, whatever has no slash."""

Action = Callable[[Request, Reply], None]


class Access(Enum):
    """What a request does, and so where it may come from. The values are for people."""

    HEALTH = "tells programs that the server lives; no name is asked for"
    READING = "reads mail; only pages of our own origin can read the answer"
    STREAMING = "reads mail without an end: not for pages of other origins"
    CHANGING = "changes something: not for pages of other origins"


class Route(NamedTuple):
    """A row of the table. In its path `{name}` stands for a segment or a part of one."""

    method: str
    path: str
    action: Action
    access: Access = Access.READING
    about: Operation | None = None
    """What the description of the API says of it; None if it is no part of that."""


class Found(NamedTuple):
    """A route that fits a request, and the request with its parameters."""

    route: Route
    request: Request


class Router:
    """Finds the route of a request. HEAD is answered as GET is."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[str, dict[str, Route]] = {}
        for route in routes:
            methods = self._routes.setdefault(route.path, {})
            assert route.method not in methods, f"{route.method} {route.path} stands twice"
            methods[route.method] = route
        self._patterns = [(re.compile(_pattern(path)), methods) for path, methods in self._routes.items()]

    @property
    def table(self) -> list[Route]:
        """All rows, in their order."""
        return [route for methods in self._routes.values() for route in methods.values()]

    def find(self, request: Request) -> Found | Response:
        """The route of a request, or why there is none."""
        path = request.target.path
        allowed: list[str] = []
        for pattern, methods in self._patterns:
            if match := pattern.fullmatch(path):
                route = methods.get("GET" if request.method == "HEAD" else request.method)
                if route:
                    return Found(route, request._replace(parameters=match.groupdict()))
                allowed += [*methods, *["HEAD"] * ("GET" in methods)]
        if not allowed:
            return NOWHERE
        fields = (("Allow", ", ".join(sorted({*allowed, "OPTIONS"}))),)
        return Response(status=204, fields=fields) if request.method == "OPTIONS" else refusal(405)._replace(fields=fields)


def _pattern(path: str) -> str:
    pieces = re.split(r"\{(\w+)\}", path)
    named = (
        f"(?P<{piece}>{KINDS.get(piece, '[^/]+?')})" if number % 2 else re.escape(piece)
        for number, piece in enumerate(pieces)
    )
    return "".join(named)
