"""Where a session is, told by walks: a few commands whose replies differ from place to place.

Knows nothing about what is right.

A reply code does not say where a command has led: a 250 to RSET may have kept the recipients. So each command under test is
followed by a walk, and the replies to it are compared with those of the same walk from places that are reached on the usual
ways. These signatures are learnt from the server itself: whether it refuses MAIL before EHLO does not matter, only that it
does so again. Places that a server answers alike cannot be told apart, and then need not be.

A server that closes after a few refusals cannot be led on long walks. On it each walk ends at its first refusal, and there
are more of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .dialogue import CLOSED, GARBLED, SILENT, Dialogue, Reply
from .places import Command, Place
from .target import Profile, Target

C = Command
LONG: tuple[tuple[Command, ...], ...] = (
    (C.DATA, C.MAIL, C.BDAT, C.RCPT, C.DATA),
    (C.RCPT, C.AUTH, C.STARTTLS, C.DATA),
)
SHORT: tuple[tuple[Command, ...], ...] = ((C.DATA,), (C.RCPT, C.DATA), (C.MAIL, C.RCPT), (C.BDAT,), (C.AUTH,), (C.STARTTLS,))

LONG_WALK = 6
"""Refusals that a server must bear to be led on long walks: those of a walk, and that of the command under test."""

Signature = tuple[tuple[str, ...], ...]
"""The replies' codes, for each walk."""


class Walks(NamedTuple):
    """The walks for a server, and how many refusals end one."""

    paths: tuple[tuple[Command, ...], ...]
    refusals: int


def walks(profile: Profile) -> Walks:
    """The walks for a server. Commands of extensions that it never offers are left out."""
    is_long = profile.refusals >= LONG_WALK
    absent = {
        command
        for command, extension in ((C.BDAT, "CHUNKING"), (C.AUTH, "AUTH"), (C.STARTTLS, "STARTTLS"))
        if not profile.has(extension)
    }
    paths = [tuple(c for c in path if c not in absent) for path in (LONG if is_long else SHORT)]
    return Walks(tuple(path for path in paths if path), 99 if is_long else 1)


async def walk(dialogue: Dialogue, target: Target, path: Sequence[Command], refusals: int) -> tuple[str, ...]:
    """Walks; returns the codes. Ends where something begins that is no session of commands, and leaves the server."""
    codes: list[str] = []
    for command in path:
        reply = await _said(dialogue, target, command)
        codes.append(reply.code)
        if reply.code == "334":
            codes.append((await dialogue.say("*")).code)
        if reply.code in ("354", "220", CLOSED, "421") or not reply.code:
            dialogue.close()
            return tuple(codes)
        refusals -= reply.is_refusal
        if refusals <= 0:
            break
    await dialogue.leave()
    return tuple(codes)


async def _said(dialogue: Dialogue, target: Target, command: Command) -> Reply:
    lines = {C.BDAT: "BDAT 0", C.AUTH: "AUTH PLAIN", C.MAIL: target.mail, C.RCPT: target.rcpt}
    return await dialogue.say(lines.get(command, command.value))


class Signatures:
    """What each walk was answered from each place, as learnt from the server."""

    def __init__(self, learnt: Mapping[Place, set[Signature]]) -> None:
        self._learnt = learnt

    def places(self, seen: Signature) -> frozenset[Place]:
        """The places that answer so."""
        return frozenset(place for place, signatures in self._learnt.items() if seen in signatures)

    def telling(self, seen: Signature, places: Iterable[Place]) -> tuple[int, int]:
        """Which walk shows that a session is in none of these places, and at which of its replies: both count from 0."""
        usual = [signature for place in places for signature in self._learnt.get(place, ())]
        for number, codes in enumerate(seen):
            others = {signature[number] for signature in usual}
            if others and codes not in others:
                return number, max(_common(codes, other) for other in others)
        return len(seen) - 1, len(seen[-1])

    def knows(self, place: Place) -> bool:
        """Whether the place was reached."""
        return bool(self._learnt.get(place))


def _common(codes: Sequence[str], others: Sequence[str]) -> int:
    """At how many replies two walks are alike."""
    pairs = enumerate(zip(codes, others, strict=False))
    return next((number for number, (code, other) in pairs if code != other), min(len(codes), len(others)))


_FIRST = {
    **dict.fromkeys((Place.MAIL, Place.TLS_MAIL, Place.AUTHED_MAIL), (C.RCPT, "2")),
    **dict.fromkeys((Place.RCPT, Place.TLS_RCPT), (C.DATA, "354")),
}


def is_plausible(place: Place, paths: Sequence[Sequence[Command]], signature: Signature) -> bool:
    """Whether a session is alive in a place, and can do what the place is for: name recipients, send content."""
    if any(codes[0] in (SILENT, CLOSED, GARBLED) for codes in signature):
        return False
    if place not in _FIRST:
        return True
    command, code = _FIRST[place]
    return all(codes[0].startswith(code) for path, codes in zip(paths, signature, strict=True) if path[0] is command)
