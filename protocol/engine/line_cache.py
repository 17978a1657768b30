"""Command lines that came before, and what they mean: most lines that come to a server have come to it before.

It does not know the grammar.
"""

from collections.abc import Callable

from .table import Event

MOST = 4096
LONGEST = 128
"""Lines that are remembered, and octets of one, its line end included: a few megabytes at the most."""

_STRANGE = {Event.AUTH, Event.PROOF, Event.OTHER, Event.BDAT, Event.LAST}
"""Those that are not remembered: with the first three may come a secret, and what follows the last two is no line."""

Meaning = tuple[Event, object, bytes]
"""An event, its argument, and the line itself, without its line end."""


class LineCache:
    """Lines by how they are sent, CRLF included, with what `parse` says of them."""

    __slots__ = ("_parse", "known")

    def __init__(self, parse: Callable[[bytes], tuple[Event, object]]) -> None:
        self._parse = parse
        self.known: dict[bytes, Meaning] = {}

    def meaning(self, line: bytes) -> Meaning:
        """What a line (without its line end) means."""
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
