"""What is told of a client that was examined (--fussy), and how: as a datagram, which goes the way of the figures.

Knows nothing about how it is found.
"""

import json
from typing import NamedTuple


class Judged(NamedTuple):
    """A session of a client that is over, and what was found of it."""

    at: float
    """When it ended: seconds since the epoch."""
    peer: str
    name: str
    """What it called itself, as it may be shown."""
    commands: int
    messages: int
    """Those that were accepted."""
    remarks: list[tuple[str, int, str]]
    """The id of each rule that it broke, how often, and an example."""
    stored: list[str]
    """The ids of its messages, as in their Received fields; the first `protocol.fussy.stored.MOST_STORED`."""


def datagram(judged: Judged) -> bytes:
    """The datagram, which `parsed` reads. No other one begins as it does."""
    return json.dumps({"judged": judged}, separators=(",", ":")).encode()


def parsed(datagram: bytes) -> Judged | None:
    """What such a datagram says; None for another one. Raises ValueError and TypeError for one that is broken."""
    if not datagram.startswith(b'{"judged":'):
        return None
    at, peer, name, commands, messages, remarks, stored = json.loads(datagram)["judged"]
    return Judged(at, peer, name, commands, messages, [(id, times, example) for id, times, example in remarks], list(stored))
