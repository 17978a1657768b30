"""Responses: what an action gives back, and how it is made fit for the request (HEAD, ranges, compression)."""

import json
import re
import zlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

from .request import Request

COMPRESSED_FROM = 1_400
"""Octets of a body that fit a packet: no less is compressed."""

COMPRESSED_TO = 1 << 20
"""Octets of a body that take too long to compress in the loop."""

_TEXTUAL = re.compile(r"text/|application/(?:json|javascript|manifest\+json|openapi\+json)|image/svg\+xml")
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


class Response(NamedTuple):
    """A response with its whole body."""

    body: bytes = b""
    type: str = "text/plain; charset=utf-8"
    status: int = 200
    fields: tuple[tuple[str, str], ...] = ()
    """Header fields besides Content-Type and Content-Length. Values must be Latin-1 without CR, LF and NUL."""
    may_be_cut: bool = False
    """Whether the client may ask for a range of it (RFC 9110 section 14)."""


NOWHERE = Response(b"404 page not found\n", status=404)
"""The answer for what is not there, as Mailpit words it."""


RETRY_SECONDS = 2
"""When a client is asked to come again with what cannot be answered now."""

RETRY_AFTER = ("Retry-After", str(RETRY_SECONDS))


class Stream(Protocol):
    """A response without an end, such as a stream of events."""

    def send(self, data: bytes) -> bool:
        """Sends more; False if the client is gone, or so far behind that it was left."""


class Reply(Protocol):
    """Where the answer to a request goes. One of its methods is called, once: at once, or later in the loop."""

    def respond(self, response: Response) -> None:
        """Answers with a whole response."""

    def stream(self, type: str, gone: Callable[[], None], fields: tuple[tuple[str, str], ...] = ()) -> Stream:
        """Begins a response without an end; `gone` is called when the client has left."""

    def left(self, gone: Callable[[], None]) -> None:
        """Calls `gone` if the client leaves before it is answered."""


def text(body: str, status: int = 200) -> Response:
    """A response of plain text."""
    return Response(body.encode("utf-8", "replace"), status=status)


def page(body: str, status: int = 200, fields: tuple[tuple[str, str], ...] = ()) -> Response:
    """A response of HTML."""
    return Response(body.encode("utf-8", "replace"), "text/html; charset=utf-8", status, fields)


def data(body: Any, status: int = 200) -> Response:
    """A response of JSON."""
    encoded = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(encoded, "application/json", status)


def refusal(status: int, why: str = "") -> Response:
    """A response that says why there is no other."""
    return text(f"{status} {HTTPStatus(status).phrase}" + (f": {why}" if why else "") + "\n", status)


def later(why: str) -> Response:
    """A response that says why there is no other now, and when to ask again (RFC 9110 section 10.2.3)."""
    return refusal(503, why)._replace(fields=(RETRY_AFTER,))


def fitted(response: Response, request: Request) -> Response:
    """The response as the request wants it: a range, or compressed. A HEAD's body is left out by the connection."""
    if response.may_be_cut and response.status == HTTPStatus.OK:
        response = response._replace(fields=(*response.fields, ("Accept-Ranges", "bytes")))
        if "range" in request.fields and request.method == "GET":
            return _cut(response, request.fields["range"])
    if _pays(response) and "gzip" in request.fields.get("accept-encoding", ""):
        packing = zlib.compressobj(4, zlib.DEFLATED, 31)
        body = packing.compress(response.body) + packing.flush()
        return response._replace(
            body=body, fields=(*response.fields, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
        )
    return response


def _pays(response: Response) -> bool:
    is_packed = any(name == "Content-Encoding" for name, _ in response.fields)
    is_sized = COMPRESSED_FROM < len(response.body) <= COMPRESSED_TO
    return is_sized and not is_packed and bool(_TEXTUAL.match(response.type))


def _cut(response: Response, wanted: str) -> Response:
    """One range of the body. What asks for several, or for none that can be read, gets all of it."""
    match, size = _RANGE.fullmatch(wanted.strip()), len(response.body)
    if not match or match[1] == match[2] == "":
        return response
    start = int(match[1]) if match[1] else max(0, size - int(match[2]))
    end = min(size, int(match[2]) + 1 if match[1] and match[2] else size)
    if start >= end:
        return refusal(416)._replace(fields=(("Content-Range", f"bytes */{size}"),))
    found = ("Content-Range", f"bytes {start}-{end - 1}/{size}")
    return response._replace(body=response.body[start:end], status=206, fields=(*response.fields, found))
