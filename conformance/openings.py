"""How a session gets to a place.

Knows nothing about what is right there.
"""

from collections.abc import Sequence
from enum import Enum

from .dialogue import Dialogue, Reply
from .places import OCTETS, Place
from .proving import prove
from .target import Profile, Target, Tls


class Step(Enum):
    """A step on the way; the value is the text for people."""

    EHLO = "EHLO"
    HELO = "HELO"
    TLS = "STARTTLS and the handshake"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "the content"
    BDAT = "BDAT"


EHLO, HELO, TLS, AUTH, MAIL, RCPT, DATA, DOT, BDAT = Step
Steps = tuple[Step, ...]

OPENINGS: dict[Place, tuple[Steps, ...]] = {
    Place.START: ((),),
    Place.HELO: ((HELO,),),
    Place.EHLO: ((EHLO,),),
    Place.MAIL: ((EHLO, MAIL), (HELO, MAIL), (MAIL,)),
    Place.RCPT: ((EHLO, MAIL, RCPT), (HELO, MAIL, RCPT)),
    Place.CONTENT: ((EHLO, MAIL, RCPT, DATA),),
    Place.CHUNK: ((EHLO, MAIL, RCPT),),
    Place.CHUNKED: ((EHLO, MAIL, RCPT, BDAT),),
    Place.DONE: ((EHLO, MAIL, RCPT, DATA, DOT),),
    Place.TLS: ((EHLO, TLS),),
    Place.TLS_EHLO: ((EHLO, TLS, EHLO),),
    Place.TLS_RCPT: ((EHLO, TLS, EHLO, MAIL, RCPT),),
    Place.AUTHED: ((EHLO, AUTH), (EHLO, TLS, EHLO, AUTH)),
    Place.TLS_MAIL: ((EHLO, TLS, EHLO, MAIL), (EHLO, TLS, HELO, MAIL), (EHLO, TLS, MAIL)),
    Place.TLS_CHUNKED: ((EHLO, TLS, EHLO, MAIL, RCPT, BDAT),),
    Place.AUTHED_MAIL: ((EHLO, AUTH, MAIL), (EHLO, TLS, EHLO, AUTH, MAIL)),
}
"""How each place is reached, from the greeting on. Where there are several ways, a place may have several signatures."""


class Unreached(Exception):  # noqa: N818
    """The server did not let a session get to a place. The text says at what step, and how."""


def ways_to(place: Place, target: Target, profile: Profile) -> list[Steps]:
    """The ways to a place on this server, with what it asks for before a transaction. None: there is no such place."""
    found = [prepared(steps, target, profile) for steps in OPENINGS.get(place, ())]
    return [steps for steps in found if _is_possible(place, steps, target, profile)]


def prepared(steps: Steps, target: Target, profile: Profile) -> Steps:
    """The steps, with those that this server asks for before them."""
    if "AUTH" in profile.prelude and AUTH not in steps and MAIL in steps:
        steps = (*steps[: steps.index(MAIL)], AUTH, *steps[steps.index(MAIL) :])
    wants_tls = "TLS" in profile.prelude and MAIL in steps
    return (EHLO, TLS, *steps) if target.tls is Tls.FIRST or (wants_tls and TLS not in steps) else steps


def _is_possible(place: Place, steps: Steps, target: Target, profile: Profile) -> bool:
    """Whether this server offers what the steps need. TLS comes once."""
    is_secret = TLS in steps
    offered = profile.offered.get(Place.TLS_EHLO if is_secret and target.tls is Tls.NONE else Place.EHLO, frozenset())
    return (
        steps.count(TLS) <= 1
        and not (HELO in steps and target.is_lmtp)
        and (not is_secret or target.tls is Tls.FIRST or Place.TLS_EHLO in profile.offered)
        and (AUTH not in steps or (target.auth is not None and "AUTH" in offered))
        and ((BDAT not in steps and place is not Place.CHUNK) or "CHUNKING" in offered)
    )


async def reach(dialogue: Dialogue, target: Target, profile: Profile, place: Place) -> Reply:
    """Brings a new connection to a place; returns the last reply. Raises Unreached."""
    ways = ways_to(place, target, profile)
    if not ways:
        raise Unreached(f'the server has no state "{place.value}"')
    return await walk_to(dialogue, target, ways[0])


async def walk_to(dialogue: Dialogue, target: Target, steps: Sequence[Step]) -> Reply:
    """Hears the greeting, if it was not heard yet, and makes the steps; returns the last reply. Raises Unreached."""
    reply = await dialogue.greeting() if not dialogue.lines else Reply("220")
    if reply.code != "220":
        raise Unreached(f"the greeting is {_said(reply)}")
    for step in steps:
        reply = await make(dialogue, target, step)
        if not reply.is_positive or (step is AUTH and reply.code != "235"):
            raise Unreached(f"{step.value} is answered {_said(reply)}")
    return reply


async def make(dialogue: Dialogue, target: Target, step: Step) -> Reply:
    """Makes a step; returns the reply. A handshake that fails is no reply."""
    if step is TLS:
        reply = await dialogue.say("STARTTLS")
        if reply.code == "220" and await dialogue.secure():
            return Reply("")
        return reply
    if step is DOT:
        dialogue.send(target.message("a transaction") + b".\r\n")
        return await dialogue.hear()
    if step is BDAT:
        return await dialogue.say(f"BDAT {len(OCTETS)}", OCTETS)
    if step is AUTH:
        return await prove(dialogue, target)
    lines = {EHLO: target.hello, HELO: f"HELO {target.me}", MAIL: target.mail, RCPT: target.rcpt, DATA: "DATA"}
    return await dialogue.say(lines[step])


def _said(reply: Reply) -> str:
    """A reply, for a message."""
    return b" / ".join(reply.lines).decode("ascii", "backslashreplace")[:200] or reply.code or "nothing"
