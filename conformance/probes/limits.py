"""Probes of what must fit: long lines, many recipients, sizes that are declared.

Knows nothing about mail data.
"""

from ..dialogue import CLOSED, SILENT, Reply
from ..places import Place
from ..trial import Probe, Trial
from ..ways import Grade
from .saying import gathers, said

LONG = (600, 2_000, 5_000, 20_000, 70_000)
"""Octets of lines that are too long."""

LEAST = 100
"""Recipients that a message may always have."""

MANY = 1_001


async def long_lines(trial: Trial) -> None:
    """Of a line that is too long no part is a command."""
    if not await gathers(trial):
        trial.untested("5321-4.5.3.1.9-long-line", "even a short command is not answered right when it comes in pieces")
        return
    for length in LONG:
        dialogue = await trial.open()
        dialogue.tell(b"XYZZY " + b"x" * length)
        first = await dialogue.hear()
        if first.code in (SILENT, CLOSED, "421"):
            dialogue.close()
            continue
        await dialogue.leave()
        if dialogue.surplus:
            what = f"a line of {length + 6:,} octets is answered more than once: parts of it are commands"
            trial.breaks("5321-4.5.3.1.9-long-line", what, dialogue)
            return


async def recipients(trial: Trial) -> None:
    """A hundred recipients are taken."""
    dialogue = await trial.open(Place.MAIL)
    for number in range(LEAST):
        reply = await dialogue.say(trial.target.rcpt)
        if reply.code[:2] == "25":
            del dialogue.lines[-2:]
        elif trial.profile.has("LIMITS"):
            trial.untested("5321-4.5.3.1.8-recipients", "the server names its own limits (RFC 9422)")
            break
        else:
            what = f"recipient {number + 1} is answered {said(reply.code)}"
            dialogue.lines[2:-2] = ["..."]
            trial.breaks("5321-4.5.3.1.8-recipients", what, dialogue, remark="it may be how this server is set up")
            break
    await dialogue.leave()


async def too_many(trial: Trial) -> None:
    """A recipient too many is refused with 452."""
    dialogue = await trial.open(Place.MAIL)
    number, reply = 0, Reply("250")
    while number < MANY and reply.code[:2] == "25":
        number += 1
        reply = await dialogue.say(trial.target.rcpt)
        if reply.code[:2] == "25":
            del dialogue.lines[-2:]
    if reply.code not in ("250", "251", "252", "452", "450", "451", "421", "552"):
        what = f"recipient {number} is answered {said(reply.code)}, where 452 is due"
        trial.breaks("5321-4.5.3.1.10-too-many", what, dialogue, Grade.SHOULD)
    elif reply.code == "552":
        what = "it is refused with 552, as old servers did"
        trial.breaks("5321-4.5.3.1.10-too-many", what, dialogue, Grade.CODE)
    await dialogue.leave()


async def declared(trial: Trial) -> None:
    """A size beyond the limit is refused when it is declared."""
    limit = trial.profile.size
    if not limit:
        trial.untested("1870-6.1-declared", "EHLO names no limit")
        return
    dialogue = await trial.ready()
    reply = await dialogue.say(f"{trial.target.mail} SIZE={limit + 1}")
    if reply.is_positive:
        trial.breaks("1870-6.1-declared", f"one octet more than the limit is answered {reply.code}", dialogue, Grade.SHOULD)
    elif reply.code not in ("552", "452", "451", "450", "421"):
        trial.breaks("1870-6.1-declared", f"it is refused with {said(reply.code)}, where 552 is due", dialogue, Grade.CODE)
    await dialogue.leave()


LIMITS = (
    Probe("lines that are too long", ("5321-4.5.3.1.9-long-line",), long_lines),
    Probe("a hundred recipients", ("5321-4.5.3.1.8-recipients",), recipients),
    Probe("a thousand recipients", ("5321-4.5.3.1.10-too-many",), too_many, is_intrusive=True),
    Probe("a size that is declared", ("1870-6.1-declared",), declared, ("SIZE",)),
)
