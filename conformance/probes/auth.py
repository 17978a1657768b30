"""Probes of AUTH that no cell of the table shows.

Knows nothing about passwords.
"""

from ..places import Place
from ..trial import Probe, Trial
from ..ways import Grade
from .saying import said


async def no_base64(trial: Trial) -> None:
    """A response that is no base64 is refused with 501."""
    await respond(trial, "4954-4-base64", "!?", "what is no base64")


async def cancelled(trial: Trial) -> None:
    """An asterisk ends the attempt. Without a password the cell of AUTH tells that."""
    if trial.target.auth:
        await respond(trial, "4954-4-cancel", "*", "the asterisk that ends the attempt")


async def respond(trial: Trial, rule: str, response: str, what: str) -> None:
    """Answers a challenge with something that is to be refused with 501."""
    places = [place for place in (Place.EHLO, Place.TLS_EHLO) if "AUTH" in trial.profile.offered.get(place, frozenset())]
    dialogue = await trial.open(places[0])
    reply = await dialogue.say(f"AUTH {trial.target.mechanism}")
    if reply.code != "334":
        trial.untested(rule, f"AUTH {trial.target.mechanism} is answered {said(reply.code)}")
        dialogue.close()
        return
    reply = await dialogue.say(response)
    if reply.code == "334" and response != "*":
        trial.untested(rule, "it asks for more before it looks at what came")
        dialogue.close()
        return
    if reply.code[:1] == "5" and reply.code != "501":
        trial.breaks(rule, f"{what} is refused with {reply.code}, where 501 is due", dialogue, Grade.CODE)
    elif reply.code != "501":
        trial.breaks(rule, f"{what} is answered {said(reply.code)}", dialogue)
    await dialogue.leave()


AUTH = (
    Probe("a response that is no base64", ("4954-4-base64",), no_base64, ("AUTH",)),
    Probe("an asterisk as a response", ("4954-4-cancel",), cancelled, ("AUTH",)),
)
