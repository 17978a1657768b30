"""What several probes use: words for what stands in place of a reply, and what is usual at this server.

Knows nothing about any particular probe.
"""

from ..dialogue import CLOSED, SILENT
from ..places import Place
from ..trial import Trial

PAUSE = 0.1
"""Seconds between two pieces, so that the server reads them apart."""


def said(code: str) -> str:
    """A code, or what stands in its place, for people."""
    return {SILENT: "with nothing", CLOSED: "by closing the connection"}.get(code, code)


async def quits(trial: Trial) -> bool:
    """Whether QUIT alone is answered 221."""
    dialogue = await trial.open()
    reply = await dialogue.say("QUIT")
    dialogue.close()
    return reply.code == "221"


async def gathers(trial: Trial) -> bool:
    """Whether a command that comes in two pieces is answered as one that comes whole."""
    dialogue = await trial.open()
    whole = await dialogue.say("NOOP")
    dialogue.send(b"NO")
    await dialogue.pause(PAUSE)
    dialogue.send(b"OP\r\n")
    reply = await dialogue.hear()
    await dialogue.leave()
    return reply.code == whole.code and not dialogue.surplus


async def unlike(trial: Trial) -> str:
    """Why an ordinary message and QUIT are answered otherwise than usual, so that other things cannot be told; "" if not."""
    dialogue = await trial.open(Place.CONTENT)
    dialogue.send(trial.target.message("nothing special") + b".\r\n")
    final = await dialogue.hear()
    await dialogue.leave()
    if final.code[:1] not in ("2", "5"):
        return f"an ordinary message is answered {said(final.code)}"
    if dialogue.surplus:
        return TOO_MANY
    return "" if await quits(trial) else NO_QUIT


TOO_MANY = "even without that there are replies too many"
NO_QUIT = "even alone, QUIT is not answered 221"
