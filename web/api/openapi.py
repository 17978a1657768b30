"""The description of the API (OpenAPI 3.1), made of the table of routes and of what each row says of itself."""

from collections.abc import Iterable
from typing import Any

from ..operation import JSON, TEXT, Answer, Operation, Parameter
from ..request import Request
from ..response import Reply, data
from ..routing import KINDS, Access, Route
from .schemas import Schema, Schemas

_PATH = {
    "id": "The id of a message, or `latest`.",
    "part": "The number of a part, as PartID has it.",
    "tag": "A tag.",
    "number": "The number of a part, from 0 on.",
}
_ALWAYS = {
    400: Answer("It cannot be read, or asks for something that makes no sense: the text says why."),
    401: Answer("Name and password are wrong, or missing."),
    404: Answer("It is not there."),
    421: Answer("The Host is none of ours."),
    431: Answer("Its header, in which the query counts, is too large."),
    503: Answer("It cannot be answered now."),
}
_GUARDED = {403: Answer("It comes from a page of another origin.")}
_WITH_BODY = {413: Answer("The body is too large.")}


class Description:
    """The actions that describe the API. `routes` are all of its rows, these two included."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._routes: list[Route] = []

    def describe(self, routes: Iterable[Route]) -> None:
        """Takes the rows that are to be described."""
        self._routes = list(routes)

    def openapi(self, request: Request, reply: Reply) -> None:
        """Describes all."""
        reply.respond(data(description(self._routes, self._version, request.base)))

    def swagger(self, request: Request, reply: Reply) -> None:
        """Describes Mailpit's rows, in the place where Mailpit describes them."""
        rows = [route for route in self._routes if route.about and route.about.group == "Mailpit"]
        reply.respond(data(description(rows, self._version, request.base)))


def description(routes: Iterable[Route], version: str, base: str = "") -> dict[str, Any]:
    """The description of those routes that say something of themselves. `base` is what stands before all paths."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if route.about:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, route.about, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "carteiro",
            "version": version,
            "description": "Mailpit's API v1, MailHog's, and carteiro's own. "
            "All of it is under `/mailbox/NAME/`, too, in the sight of that mailbox. "
            "A body may be a form instead of JSON; names of fields are read in any case.",
        },
        "servers": [{"url": base or "/"}],
        "tags": [{"name": name} for name in ("Mailpit", "MailHog", "carteiro")],
        "security": [{}, {"basic": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    }


def _operation(route: Route, about: Operation, schemas: Schemas) -> dict[str, Any]:
    is_guarded = route.access in (Access.CHANGING, Access.STREAMING)
    answers = {**_ALWAYS, **(_GUARDED if is_guarded else {}), **(_WITH_BODY if about.body else {}), **about.answers}
    found: dict[str, Any] = {
        "operationId": about.name,
        "summary": about.about,
        "tags": [about.group],
        "parameters": [*_of_path(route.path), *(_of_query(parameter) for parameter in about.query)],
        "responses": {str(status): _response(answers[status], schemas) for status in sorted(answers)},
    }
    if about.body:
        # Forms are read as well, but no schema says that each of their values is a text.
        found["requestBody"] = {"content": {JSON: {"schema": schemas.of(about.body)}}}
    if route.access is Access.HEALTH:
        found["security"] = [{}]
    return found


def _of_path(path: str) -> Iterable[dict[str, Any]]:
    for name in (piece.partition("}")[0] for piece in path.split("{")[1:]):
        schema: Schema = {"type": "string", "pattern": f"^(?:{KINDS[name]})$"} if name in KINDS else {"type": "string"}
        yield {"name": name, "in": "path", "required": True, "description": _PATH[name], "schema": schema}


def _of_query(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.is_needed,
        "allowEmptyValue": not parameter.is_needed,
        "description": parameter.about,
        "schema": dict(parameter.schema),
    }


def _response(answer: Answer, schemas: Schemas) -> dict[str, Any]:
    if answer.type == "":
        return {"description": answer.about}
    is_binary = answer.shape is bytes
    content: dict[str, Any] = {} if is_binary and answer.type != TEXT else {"schema": {"type": "string"}}
    if answer.type == JSON:
        content = {"schema": schemas.of(answer.shape)}
    return {"description": answer.about, "content": {answer.type: content}}
