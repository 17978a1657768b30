"""How the index stands: what its process tells the page once a second, as a line of JSON.

Knows nothing about how the index is kept.
"""

import json
import time
from typing import Any, NamedTuple

EVERY = 1.0
"""Seconds between two lines."""

WORD = "standing"
"""What tells such a line from others."""


class Standing(NamedTuple):
    """How the index stood at a moment."""

    at: float
    """Seconds of a clock that all processes share."""
    lag: float
    """Seconds since it was in step with the mailboxes, as far as is known."""
    mailboxes: int
    """How many it has not read to their end."""
    messages: int
    """How many it has."""
    unread: int


def told(lag: float, mailboxes: int, messages: int, unread: int) -> str:
    """The line."""
    return json.dumps({WORD: [time.monotonic(), lag, mailboxes, messages, unread]})


def parsed(line: dict[str, Any]) -> Standing | None:
    """What such a line says, which was parsed; None if it is another one."""
    return Standing(*line[WORD]) if WORD in line else None
