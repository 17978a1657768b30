"""Probes of LMTP: LHLO in place of EHLO, and a reply for each recipient.

Knows nothing about SMTP's own rules. At a server of SMTP they have nothing to say.
"""

from ..dialogue import Dialogue
from ..places import Place
from ..trial import Probe, Trial
from .saying import said


async def greeted_otherwise(trial: Trial) -> None:
    """EHLO and HELO are refused."""
    if not trial.target.is_lmtp:
        return
    dialogue = await trial.open(Place.START)
    for line in (f"EHLO {trial.target.me}", f"HELO {trial.target.me}"):
        reply = await dialogue.say(line)
        if reply.code[:1] != "5":
            trial.breaks("2033-4.1-lhlo", f"{line.partition(' ')[0]} is answered {said(reply.code)}", dialogue)
            break
    await dialogue.leave()


async def each(trial: Trial) -> None:
    """A message to one mailbox twice, and to one that is not there, is answered once for each that was taken."""
    if not trial.target.is_lmtp:
        return
    dialogue = await trial.open(Place.MAIL)
    taken = 0
    for line in (trial.target.rcpt, f"RCPT TO:<{trial.target.unknown}>", trial.target.rcpt):
        taken += (await dialogue.say(line)).code[:2] == "25"
    if (await dialogue.say("DATA")).code != "354":
        trial.untested("2033-4.2-each", "DATA is refused")
    else:
        dialogue.send(trial.target.message("a reply for each recipient") + b".\r\n")
        codes = [(await dialogue.hear()).code for _ in range(taken)]
        await _judge(trial, dialogue, codes)
    await dialogue.leave()


async def _judge(trial: Trial, dialogue: Dialogue, codes: list[str]) -> None:
    if not all(codes) or not await dialogue.is_quiet(min(trial.patience, 1.0)):
        what = f"of {len(codes)} recipients that were taken, the replies are {' '.join(map(said, codes))}"
        trial.breaks("2033-4.2-each", what + " and more" * bool(dialogue.surplus), dialogue)


LMTP = (
    Probe("EHLO to a server of LMTP", ("2033-4.1-lhlo",), greeted_otherwise, is_for_lmtp=True),
    Probe("a reply for each recipient", ("2033-4.2-each",), each, messages=2, is_for_lmtp=True),
)
