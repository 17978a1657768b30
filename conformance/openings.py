"""How a session gets to a place.

Knows nothing about what is right there.
"""

from collections.abc import Sequence
from enum import Enum

from .dialogue import Dialogue, Reply
from .places import OCTETS, Place
from .target import Target, Tls


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

OPENINGS: dict[Place, Steps] = {
    Place.START: (),
    Place.HELO: (HELO,),
    Place.EHLO: (EHLO,),
    Place.MAIL: (EHLO, MAIL),
    Place.RCPT: (EHLO, MAIL, RCPT),
    Place.CONTENT: (EHLO, MAIL, RCPT, DATA),
    Place.CHUNK: (EHLO, MAIL, RCPT),
    Place.CHUNKED: (EHLO, MAIL, RCPT, BDAT),
    Place.DONE: (EHLO, MAIL, RCPT, DATA, DOT),
    Place.TLS: (EHLO, TLS),
    Place.TLS_EHLO: (EHLO, TLS, EHLO),
    Place.TLS_RCPT: (EHLO, TLS, EHLO, MAIL, RCPT),
    Place.AUTHED: (EHLO, AUTH),
}
"""How each row of the table is reached, from the greeting on."""

REFERENCES: dict[Place, tuple[Steps, ...]] = {
    **{place: (steps,) for place, steps in OPENINGS.items() if place not in (Place.CONTENT, Place.CHUNK)},
    Place.MAIL: ((EHLO, MAIL), (HELO, MAIL)),
    Place.RCPT: ((EHLO, MAIL, RCPT), (HELO, MAIL, RCPT)),
    Place.TLS_MAIL: ((EHLO, TLS, EHLO, MAIL), (EHLO, TLS, HELO, MAIL)),
    Place.TLS_CHUNKED: ((EHLO, TLS, EHLO, MAIL, RCPT, BDAT),),
    Place.AUTHED_MAIL: ((EHLO, AUTH, MAIL),),
}
"""Ways to places whose signatures are learnt; where several lead to one, each has its own."""


class Unreached(Exception):  # noqa: N818
    """The server did not let a session get to a place. The text says at what step, and how."""


def way_to(place: Place, target: Target, prelude: tuple[str, ...] = ()) -> Steps:
    """The steps to a place, on this server: some ask for TLS or for AUTH before a transaction."""
    return prepared(OPENINGS[place], target, prelude)


def prepared(steps: Steps, target: Target, prelude: tuple[str, ...] = ()) -> Steps:
    """The steps, with those that this server asks for before them."""
    wants_auth = AUTH not in steps and "AUTH" in prelude
    for step in (MAIL,) if wants_auth else ():
        if step in steps:
            steps = (*steps[: steps.index(step)], AUTH, *steps[steps.index(step) :])
    wants_tls = ("TLS" in prelude and (MAIL in steps or AUTH in steps)) or target.tls is Tls.FIRST
    return (EHLO, TLS, *steps) if wants_tls and TLS not in steps else steps


async def reach(dialogue: Dialogue, target: Target, place: Place, prelude: tuple[str, ...] = ()) -> Reply:
    """Brings a new connection to a place; returns the last reply. Raises Unreached."""
    return await walk_to(dialogue, target, way_to(place, target, prelude))


async def walk_to(dialogue: Dialogue, target: Target, steps: Sequence[Step]) -> Reply:
    """Hears the greeting, if it was not heard yet, and makes the steps; returns the last reply. Raises Unreached."""
    reply = await dialogue.greeting() if not dialogue.lines else Reply("220")
    if reply.code != "220":
        raise Unreached(f"the greeting is {_said(reply)}")
    for step in steps:
        reply = await make(dialogue, target, step)
        if not reply.is_positive:
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
        return await dialogue.say(target.proof, shown="AUTH PLAIN (the credentials)")
    lines = {EHLO: target.hello, HELO: f"HELO {target.me}", MAIL: target.mail, RCPT: target.rcpt, DATA: "DATA"}
    return await dialogue.say(lines[step])


def _said(reply: Reply) -> str:
    """A reply, for a message."""
    return b" / ".join(reply.lines).decode("ascii", "backslashreplace")[:200] or reply.code or "nothing"
