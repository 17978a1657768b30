"""A cache of parsed command lines, shared by all sessions: most lines that a server gets are repetitions.

Knows nothing about the grammar.
"""

from collections.abc import Callable

from .events import Event

MOST = 4096
LONGEST = 128
"""Most lines in the cache, and the longest of them in octets, line end included: a few megabytes in total."""

_STRANGE = {Event.AUTH, Event.PROOF, Event.PASS, Event.OTHER, Event.BDAT, Event.LAST}
"""Events whose lines are never cached: the first four may hold a secret, and raw octets follow the last two."""

Meaning = tuple[Event, object, bytes]
"""An event, its argument, and the line itself without its line end."""


class LineCache:
    """Calls `parse` and caches the result. `known` is keyed by the line as sent, CRLF included."""

    __slots__ = ("_parse", "known")

    def __init__(self, parse: Callable[[bytes], tuple[Event, object]]) -> None:
        self._parse = parse
        self.known: dict[bytes, Meaning] = {}

    def meaning(self, line: bytes) -> Meaning:
        """Parses a line (without its line end), or finds it in the cache. A full cache is emptied."""
        sent = line + b"\r\n"
        known = self.known.get(sent)
        if known is None:
            event, argument = self._parse(line)
            known = event, argument, line
            if len(sent) <= LONGEST and event not in _STRANGE:
                if len(self.known) == MOST:
                    self.known.clear()
                self.known[sent] = known
        return known
