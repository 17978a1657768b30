"""Probes of the stream: commands that come together, in pieces, behind the end of a message, or before the end of the input.

Knows nothing about what the commands mean to a server.
"""

from ..dialogue import CLOSED, SILENT
from ..places import Place
from ..trial import Probe, Trial
from ..ways import Grade
from .saying import NO_QUIT, PAUSE, TOO_MANY, quits, said, unlike


async def pipelined(trial: Trial) -> None:
    """A group of commands gets the replies that the same commands get one at a time."""
    target = trial.target
    lines = [target.mail, f"RCPT TO:<{target.unknown}>", target.rcpt, "RSET", target.mail, target.rcpt, "RSET", "XYZZY"]
    single = await trial.ready()
    apart = [(await single.say(line)).code for line in lines]
    await single.leave()
    together = await trial.ready()
    together.send("".join(f"{line}\r\n" for line in lines).encode())
    codes = [(await together.hear()).code for _ in lines]
    await together.leave()
    if any(code[:1] == "4" for code in (*apart, *codes)):
        trial.untested("2920-3.1-pipelined", "a command is refused for now")
    elif single.surplus:
        trial.untested("2920-3.1-pipelined", TOO_MANY)
    elif codes != apart or together.surplus:
        what = f"one at a time the replies are {' '.join(apart)}, together they are {' '.join(map(said, codes))}"
        trial.breaks("2920-3.1-pipelined", what, together)


async def behind_the_dot(trial: Trial) -> None:
    """Commands in the segment that ends a message are answered behind it."""
    if fault := await unlike(trial):
        trial.untested("2920-3.1-behind-dot", fault)
        return
    for behind, wanted in ((b"NOOP\r\n", "250"), (b"QUIT\r\n", "221")):
        dialogue = await trial.open(Place.CONTENT)
        dialogue.send(trial.target.message("what comes behind the dot") + b".\r\n" + behind)
        final, after = await dialogue.hear(), await dialogue.hear()
        if final.code in (SILENT, CLOSED) or final.code[:1] == "4":
            trial.untested("2920-3.1-behind-dot", f"the message is answered {said(final.code)}")
        elif after.code != wanted:
            what = f"{behind.decode().strip()} right behind the dot is answered {said(after.code)}"
            remark = "it may be a deliberate defence" * (after.code[:1] == "5")
            trial.breaks("2920-3.1-behind-dot", what, dialogue, remark=remark)
            dialogue.close()
            return
        await dialogue.leave()


async def cut(trial: Trial) -> None:
    """Pieces of a command are no commands."""
    whole = await trial.open()
    apart = [(await whole.say(line)).code for line in ("NOOP", "RSET")]
    await whole.leave()
    if apart != ["250", "250"] or whole.surplus:
        trial.untested("5321-2.3.8-cut", "even in one piece NOOP and RSET are not answered 250, once each")
        return
    dialogue = await trial.open()
    codes = []
    for group in PIPELINED_PIECES if trial.profile.has("PIPELINING") else PIECES:
        for piece in group:
            dialogue.send(piece)
            await dialogue.pause(PAUSE)
        codes += [(await dialogue.hear()).code for _ in range(b"".join(group).count(b"\r\n"))]
    await dialogue.leave()
    if codes != ["250", "250"] or dialogue.surplus:
        what = f"NOOP and RSET in pieces are answered {' '.join(map(said, codes))}{' and more' * bool(dialogue.surplus)}"
        trial.breaks("5321-2.3.8-cut", what, dialogue)


PIPELINED_PIECES = ((b"NO", b"OP\r", b"\nRS", b"ET\r\n"),)
"""Pieces of commands, the second of which begins before the first was answered."""

PIECES = ((b"NO", b"OP\r", b"\n"), (b"RS", b"ET\r", b"\n"))
"""The same, one after the other."""


async def half_closed(trial: Trial) -> None:
    """What came before the end of the input is answered."""
    if not await quits(trial):
        trial.untested("5321-3.8-half-close", NO_QUIT)
        return
    dialogue = await trial.open()
    lines = {"NOOP": "250", "QUIT": "221"} if trial.profile.has("PIPELINING") else {"QUIT": "221"}
    for line in lines:
        dialogue.tell(line)
    await dialogue.end_output()
    codes = [(await dialogue.hear()).code for _ in lines]
    dialogue.close()
    if codes != list(lines.values()):
        what = f"{' and '.join(lines)} before the end of the input: answered {' '.join(map(said, codes))}"
        trial.breaks("5321-3.8-half-close", what, dialogue, Grade.NOTE)


async def half_a_message(trial: Trial) -> None:
    """A message that breaks off is not accepted."""
    dialogue = await trial.open(Place.CONTENT)
    dialogue.send(trial.target.message("half a message, which must not arrive"))
    await dialogue.end_output()
    reply = await dialogue.hear()
    dialogue.close()
    if reply.code[:1] == "2" and reply.code != "221":
        trial.breaks("5321-4.1.1.4-half-message", f"a message without its end is answered {reply.code}", dialogue)


async def injected(trial: Trial) -> None:
    """What came in the clear behind STARTTLS is not carried out under TLS."""
    dialogue = await trial.open()
    dialogue.send(b"STARTTLS\r\nVRFY " + trial.target.to.encode() + b"\r\n")
    reply = await dialogue.hear()
    if reply.code != "220":
        dialogue.close()
        return
    if fault := await dialogue.secure():
        trial.untested("3207-4.2-injection", f"the handshake fails behind it: {fault}")
        dialogue.close()
        return
    await dialogue.leave()
    if dialogue.surplus:
        what = "under TLS a reply comes to the command that was sent in the clear"
        trial.breaks("3207-4.2-injection", what, dialogue)


async def idle(trial: Trial) -> None:
    """Silence of nearly five minutes is borne."""
    dialogue = await trial.open()
    await dialogue.pause(IDLE)
    reply = await dialogue.say("NOOP")
    if reply.code != "250":
        trial.breaks(
            "5321-4.5.3.2.7-idle", f"after {IDLE:g} s of silence NOOP is answered {said(reply.code)}", dialogue, Grade.SHOULD
        )
    await dialogue.leave()


IDLE = 290.0
"""Seconds of silence."""

STREAMS = (
    Probe("commands that come together", ("2920-3.1-pipelined",), pipelined, ("PIPELINING",)),
    Probe("commands behind the dot", ("2920-3.1-behind-dot",), behind_the_dot, ("PIPELINING",), messages=3),
    Probe("commands in pieces", ("5321-2.3.8-cut",), cut),
    Probe("the end of the input", ("5321-3.8-half-close",), half_closed),
    Probe("half a message", ("5321-4.1.1.4-half-message",), half_a_message, messages=1),
    Probe("plain text behind STARTTLS", ("3207-4.2-injection",), injected, ("STARTTLS",), is_intrusive=True),
    Probe("silence", ("5321-4.5.3.2.7-idle",), idle, takes=IDLE),
)
