"""What several probes use: words for what stands in place of a reply, and listening for replies too many.

Knows nothing about any particular probe.
"""

from ..dialogue import CLOSED, SILENT, Dialogue
from ..places import Place
from ..trial import Trial

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


async def quits(trial: Trial) -> bool:
    """Whether QUIT alone is answered 221."""
    dialogue = await trial.open()
    reply = await dialogue.say("QUIT")
    dialogue.close()
    return reply.code == "221"


async def unlike(trial: Trial) -> str:
    """Why an ordinary message and QUIT are answered otherwise than usual, so that other things cannot be told; "" if not."""
    dialogue = await trial.open(Place.CONTENT)
    dialogue.send(trial.target.message("nothing special") + b".\r\n")
    final = await dialogue.hear()
    is_quiet = await dialogue.is_quiet(min(trial.patience, QUIET))
    await dialogue.leave()
    if final.code[:1] not in ("2", "5"):
        return f"an ordinary message is answered {said(final.code)}"
    if not is_quiet:
        return TOO_MANY
    return "" if await quits(trial) else NO_QUIT


TOO_MANY = "even without that there are replies too many"
NO_QUIT = "even alone, QUIT is not answered 221"
MOST = 50
"""Replies too many that are heard."""
