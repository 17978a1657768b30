"""What a description of the API says of a route: plain data, which stands beside the route in its table.

Knows nothing about how descriptions are written.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

JSON = "application/json"
TEXT = "text/plain"
EVENTS = "text/event-stream"


class Parameter(NamedTuple):
    """A field of the query."""

    name: str
    about: str
    schema: Mapping[str, Any] = {"type": "string"}
    is_needed: bool = False


class Answer(NamedTuple):
    """A response with a certain status."""

    about: str
    type: str = TEXT
    shape: object = str
    """The Python type of which the JSON is, or `bytes` if it is none."""


class Operation(NamedTuple):
    """What a route does, for people and programs."""

    name: str
    """As a function of a client would be called: `listMessages`."""
    about: str
    group: str
    query: tuple[Parameter, ...] = ()
    body: object = None
    """The Python type of the request's body, or None."""
    answers: Mapping[int, Answer] = {}
    """Those by which routes differ; what any request may be refused with is added."""


START = Parameter("start", "How many messages to leave out.", {"type": "integer", "minimum": 0, "default": 0})
QUERY = Parameter(
    "query", "A search, as in `from:ana subject:welcome`.", {"type": "string", "minLength": 1, "maxLength": 2_000}, True
)
LATEST = Parameter("query", "With `latest`: the latest message that this search finds.")
ZONE = Parameter("tz", "The time zone of dates in the search, as `Europe/Lisbon`.")
