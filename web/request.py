"""A request as the actions see it: its target decoded once, its fields and body within bounds."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote_to_bytes

from .contract import Sight

MOST_FIELDS = 200
"""Fields of a query."""

MOST_FORM_FIELDS = 6_000
"""Fields of a form: one for each message of the largest page, and some more."""


class RequestError(ValueError):
    """A request that cannot be answered as asked: its status, and what is wrong, for people to read."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Target(NamedTuple):
    """What a request is for."""

    path: str
    """Decoded once, with one slash between segments; it begins with a slash. No segment is `.` or `..`, or has a slash."""
    query: Mapping[str, list[str]]


class Request(NamedTuple):
    """A request that has come whole."""

    method: str
    target: Target
    fields: Mapping[str, str]
    """Header fields by their names in lower case; of fields that come twice, the values with a comma between."""
    body: bytes = b""
    peer: str = ""
    is_encrypted: bool = False
    sight: Sight = None
    """What the client may see and asks for; the router sets it."""
    is_confined: bool = False
    """Whether the client may see nothing but what is in `sight`, other mailboxes' names included; the gate sets it."""
    parameters: Mapping[str, str] = {}
    """What stands in the path where its route has `{name}`."""
    base: str = ""
    """What stands in the path before that of the route, as `/mailbox/ana`: links begin with it."""

    def first(self, name: str, default: str = "") -> str:
        """The first value of a field of the query."""
        return self.target.query.get(name, [default])[0]

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number in the query, `most` at most. Raises RequestError for what is none."""
        text = self.first(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit():
            raise RequestError(400, f"{name} is no whole number: {text[:40]}")
        digits = text.lstrip("0")
        return min(int(digits or 0), most) if len(digits) <= 15 else most

    def form(self) -> dict[str, Any]:
        """The body: a JSON object, or a form. Names are in lower case; a form's values are lists.

        Raises RequestError for a body that is neither. An empty body is an empty object.
        """
        body = self.body.strip()
        if not body:
            return {}
        is_form = self.fields.get("content-type", "").lower().startswith("application/x-www-form-urlencoded")
        if is_form and not body.startswith(b"{"):  # curl -d says that everything is a form
            fields = _fields_of(body.decode("utf-8", "replace"), MOST_FORM_FIELDS)
            return {name.lower(): values for name, values in fields.items()}
        try:
            read = json.loads(body)
        except (ValueError, RecursionError):
            raise RequestError(400, "the body is no JSON") from None
        if not isinstance(read, dict):
            raise RequestError(400, "the body is no JSON object")
        return {name.lower(): value for name, value in read.items()}


def target_of(target: bytes) -> Target:
    """The parsed target of a request line. Raises RequestError."""
    path, _, query = target.partition(b"?")
    if not path.startswith(b"/"):  # the absolute form (RFC 9112 section 3.2.2) is for proxies
        raise RequestError(400, "the target of a request begins with /")
    segments = [_segment(segment) for segment in path.split(b"/") if segment]
    ends = "/" if segments and path.endswith(b"/") else ""
    return Target("/" + "/".join(segments) + ends, _fields_of(query.decode("ascii", "replace")))


def _segment(encoded: bytes) -> str:
    try:
        segment = unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        raise RequestError(400, "the path is not UTF-8") from None
    if segment in (".", "..") or "/" in segment or any(ord(letter) < 32 or ord(letter) == 127 for letter in segment):
        raise RequestError(404, "there is no such path")
    return segment


def _fields_of(query: str, most: int = MOST_FIELDS) -> dict[str, list[str]]:
    try:
        return parse_qs(query, keep_blank_values=True, max_num_fields=most)
    except ValueError:
        raise RequestError(400, f"there are more than {most:,} fields") from None
