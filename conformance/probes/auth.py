"""Probes of AUTH that no cell of the table shows.

Knows nothing about passwords that are right.
"""

from ..dialogue import CLOSED, Dialogue
from ..places import Place
from ..proving import KNOWN, prove
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


async def refused(trial: Trial) -> None:
    """After a wrong password a session goes on as before AUTH. The name is invented: nobody is locked out."""
    rule, target = "4954-4-fails", trial.target
    if target.mechanism not in KNOWN:
        trial.untested(rule, f"it offers {target.mechanism}, and none of {', '.join(KNOWN)}")
        return
    without = await trial.open(offers(trial))
    usual = await without.say(target.mail)
    await without.leave()
    dialogue = await trial.open(offers(trial))
    nobody = target.unknown.partition("@")[0]
    reply = await prove(dialogue, target._replace(auth=(nobody, "smtpcheck-wrong")))
    if reply.code[:1] in ("2", "4") or reply.code in UNREADY:
        trial.untested(rule, f"AUTH with a wrong name and password is answered {said(reply.code)}")
        dialogue.close()
        return
    await goes_on(trial, rule, dialogue, usual.code, reply.code)


async def goes_on(trial: Trial, rule: str, dialogue: Dialogue, usual: str, refusal: str) -> None:
    """Says what is wrong with the refusal of a password, and with MAIL behind it, which is `usual` otherwise."""
    if refusal[:1] != "5":
        trial.breaks(rule, f"a wrong name and password is answered {said(refusal)}", dialogue)
        dialogue.close()
        return
    if refusal in MISTAKEN:
        what = f"a wrong name and password is refused with {refusal}, where 535 is due"
        trial.breaks(rule, what, dialogue, Grade.CODE)
    reply = await dialogue.say(trial.target.mail)
    if reply.code == CLOSED:
        what = "it closes the connection at the first wrong password, where three attempts should be let"
        trial.breaks(rule, what, dialogue, Grade.SHOULD)
    elif reply.code[:1] != usual[:1]:
        what = f"after a wrong password MAIL is answered {said(reply.code)}, and without it {said(usual)}"
        trial.breaks(rule, what, dialogue)
    await dialogue.leave()


def offers(trial: Trial) -> Place:
    """Where AUTH is offered."""
    places = (Place.EHLO, Place.TLS_EHLO)
    return next(place for place in places if "AUTH" in trial.profile.offered.get(place, frozenset()))


MISTAKEN = ("500", "501", "502", "503", "504")
"""Codes that say that the command, not the password, was wrong."""
UNREADY = ("530", "534", "538")
"""Codes that say that it does not look at the password: it wants TLS, or a stronger mechanism."""


async def respond(trial: Trial, rule: str, response: str, what: str) -> None:
    """Answers a challenge with something that is to be refused with 501."""
    dialogue = await trial.open(offers(trial))
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
    Probe("a wrong password", ("4954-4-fails",), refused, ("AUTH",)),
)
