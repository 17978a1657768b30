"""What several probes use: words for what stands in place of a reply, and listening for replies too many.

Knows nothing about any particular probe.
"""

from ..dialogue import CLOSED, SILENT, Dialogue

QUIET = 1.0
"""Seconds at most in which a reply too many would come."""


def said(code: str) -> str:
    """A code, or what stands in its place, for people."""
    return {SILENT: "with nothing", CLOSED: "by closing the connection"}.get(code, code)


async def drain(dialogue: Dialogue, patience: float) -> bool:
    """Hears replies that nobody asked for, which are the dialogue's surplus; returns whether there were any."""
    while not await dialogue.is_quiet(min(patience, QUIET)) and not dialogue.is_closed and len(dialogue.surplus) < MOST:
        pass
    return bool(dialogue.surplus)


MOST = 50
"""Replies too many that are heard."""
