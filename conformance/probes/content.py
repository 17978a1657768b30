"""Probes of mail data: what ends it, and what it may be like.

Knows nothing about what becomes of a message. What is hidden in one is never a second message, but VRFY.
"""

from ..dialogue import CLOSED, SILENT, Dialogue
from ..places import Place
from ..trial import Probe, Trial
from .saying import TOO_MANY, said

ENDINGS = {
    "LF . LF": b"\n.\n",
    "LF . CRLF": b"\n.\r\n",
    "CRLF . LF": b"\r\n.\n",
    "CR . CR": b"\r.\r",
    "CR . CRLF": b"\r.\r\n",
    "CRLF . CR": b"\r\n.\r",
    "CR CRLF . CR CRLF": b"\r\r\n.\r\r\n",
    "LF . CR CRLF": b"\n.\r\r\n",
    "CRLF . NUL CRLF": b"\r\n.\0\r\n",
    "CRLF NUL . CRLF": b"\r\n\0.\r\n",
    "CRLF . blank CRLF": b"\r\n. \r\n",
}
"""What looks like the end of mail data, and is none."""

LENGTHS = (990, 998, 999, 1000, 1022, 1023, 1024, 2046, 2047, 2048, 4094, 4095, 4096, 8190, 8191, 8192)
"""Octets after which servers have been seen to cut lines, or may."""


async def ended_early(trial: Trial, text: bytes) -> tuple[Dialogue, bool]:
    """Sends a message with this in it, and VRFY behind that; whether it ended there, by the number of replies."""
    dialogue = await trial.open(Place.CONTENT)
    vrfy = b"VRFY " + trial.target.to.encode() + b"\r\n"
    dialogue.send(trial.target.message("ends of mail data") + text + vrfy + vrfy + b"the end\r\n.\r\n")
    first = await dialogue.hear()
    if first.code in (SILENT, CLOSED, "421"):
        dialogue.close()
        return dialogue, False
    await dialogue.leave()
    return dialogue, bool(dialogue.surplus)


async def is_odd(trial: Trial, rule: str) -> bool:
    """Whether a message without anything special is answered more than once, so that the rule cannot be tested."""
    _, is_early = await ended_early(trial, b"")
    if is_early:
        trial.untested(rule, TOO_MANY)
    return is_early


async def endings(trial: Trial) -> None:
    """Only CRLF . CRLF ends mail data."""
    if await is_odd(trial, "5321-4.1.1.4-end-of-data"):
        return
    found = [
        (name, dialogue) for name, text in ENDINGS.items() for dialogue, early in [await ended_early(trial, text)] if early
    ]
    if found:
        names = ", and at ".join(name for name, _ in found)
        trial.breaks("5321-4.1.1.4-end-of-data", f"mail data ends at {names}: what follows is carried out", found[0][1])


async def dots(trial: Trial) -> None:
    """Lines that begin with dots do not end mail data."""
    if await is_odd(trial, "5321-4.5.2-dots"):
        return
    dialogue, is_early = await ended_early(trial, b"..\r\n.x\r\n...\r\n..x\r\n")
    if is_early:
        trial.breaks("5321-4.5.2-dots", "mail data ends at a line that has more than a dot", dialogue)


async def long_text(trial: Trial) -> None:
    """A dot somewhere in a long line does not end mail data."""
    if await is_odd(trial, "5321-4.5.3.1.6-long-text"):
        return
    lines = b"".join(b"x" * length + b".\r\n" for length in LENGTHS)
    dialogue, is_early = await ended_early(trial, lines)
    if is_early:
        trial.breaks("5321-4.5.3.1.6-long-text", "mail data ends at a dot that ends a long line", dialogue)


async def large(trial: Trial) -> None:
    """A message of 64,000 octets is taken."""
    dialogue = await trial.open(Place.CONTENT)
    text = "\r\n".join(["A line of seventy characters, of which there are many in this message."] * 880)
    dialogue.send(trial.target.message("64,000 octets", text) + b".\r\n")
    reply = await dialogue.hear()
    await dialogue.leave()
    if reply.code[:1] == "4":
        trial.untested("5321-4.5.3.1.7-content", f"the message is answered {reply.code}")
    elif reply.code != "250":
        what = f"a message of 64,000 octets is answered {said(reply.code)}"
        trial.breaks("5321-4.5.3.1.7-content", what, dialogue)


MOST_SENT = 64 << 20
"""Octets that are sent to find out what is beyond a limit. Where the limit is higher, only what is declared is tested."""


async def oversize(trial: Trial) -> None:
    """A message beyond the limit is answered once, and the session goes on."""
    limit = trial.profile.size
    if not limit:
        trial.untested("1870-6.3-oversize", "EHLO names no limit")
        return
    if limit > MOST_SENT:
        why = f"the limit is {limit:,} octets: more than the {MOST_SENT:,} that are sent; see 1870-6.1-declared"
        trial.untested("1870-6.3-oversize", why)
        return
    dialogue = await trial.open(Place.CONTENT)
    line = b"x" * 76 + b"\r\n"
    dialogue.wire.send(trial.target.message("beyond the limit") + line * (limit // len(line) + 1000) + b".\r\n")
    dialogue.lines.append(f"(a message of more than {limit:,} octets)")
    reply = await dialogue.hear(max(60.0, trial.patience))
    after = await dialogue.say("NOOP") if reply.code not in (CLOSED, "421") else reply
    if reply.code not in ("552", "554", "451", "452", "250", "421") and reply.code[:1] != "5":
        trial.breaks("1870-6.3-oversize", f"it is answered {said(reply.code)}", dialogue)
    elif after.code not in ("250", "421"):
        trial.breaks("1870-6.3-oversize", f"behind it, NOOP is answered {said(after.code)}", dialogue)
    await dialogue.leave()


CONTENT = (
    Probe("ends of mail data", ("5321-4.1.1.4-end-of-data",), endings, messages=len(ENDINGS) + 1, is_intrusive=True),
    Probe("lines with dots", ("5321-4.5.2-dots",), dots, messages=2),
    Probe("dots in long lines", ("5321-4.5.3.1.6-long-text",), long_text, messages=2, is_intrusive=True),
    Probe("64,000 octets", ("5321-4.5.3.1.7-content",), large, messages=1),
    Probe("more octets than the limit", ("1870-6.3-oversize",), oversize, ("SIZE",), messages=1, is_intrusive=True),
)
