"""Judges what was seen of a command in a place, by the table of what is lawful.

Knows nothing about connections.
"""

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from .cells import LATER
from .dialogue import CLOSED, GARBLED, SILENT
from .lawful import HOMES, cell
from .places import UNDER, Command, Place
from .target import Profile
from .trying import Seen
from .walks import Signatures
from .ways import ANY, HOME, SAME, Cell, Grade, Places, Way


class Verdict(Enum):
    """What is said of a cell. The value is its mark in the matrix."""

    RIGHT = "."
    NOTE = ","
    CODE = "c"
    SHOULD = "s"
    DIFFERS = "X"
    CLOSES = "C"
    HANGS = "H"
    UNTESTED = "?"
    ABSENT = " "

    __hash__ = object.__hash__


MEANINGS = {
    Verdict.RIGHT: "right",
    Verdict.NOTE: "allowed, and worth knowing",
    Verdict.CODE: "only the code is another than an RFC names",
    Verdict.SHOULD: "against a SHOULD",
    Verdict.DIFFERS: "wrong: the reply, or the state behind it",
    Verdict.CLOSES: "the connection is closed",
    Verdict.HANGS: "no reply",
    Verdict.UNTESTED: "could not be tested",
    Verdict.ABSENT: "there is no such place on this server",
}
_VERDICTS = {
    Grade.RIGHT: Verdict.RIGHT,
    Grade.NOTE: Verdict.NOTE,
    Grade.CODE: Verdict.CODE,
    Grade.SHOULD: Verdict.SHOULD,
    Grade.MUST: Verdict.DIFFERS,
}
GRADES = {verdict: grade for grade, verdict in _VERDICTS.items()} | dict.fromkeys(
    (Verdict.CLOSES, Verdict.HANGS), Grade.MUST
)
"""The grade of a finding that a verdict gives rise to."""


class Judged(NamedTuple):
    """A cell of the matrix. `what`: what happened, a sentence; of an UNTESTED one, why."""

    place: Place
    command: Command
    verdict: Verdict
    rule: str
    what: str = ""
    lines: tuple[str, ...] = ()
    code: str = ""

    @property
    def name(self) -> str:
        """PLACE/COMMAND."""
        return f"{self.place.name}/{self.command.value}"


class Judge:
    """Judges the cells of one server."""

    def __init__(self, profile: Profile, signatures: Signatures) -> None:
        self._profile = profile
        self._signatures = signatures

    def judge(self, place: Place, command: Command, tries: Sequence[Seen]) -> Judged:
        """The verdict on a command in a place, by one try for each walk."""
        found = self.cell(place, command)
        first = tries[0]
        unreached = next((seen.why for seen in tries if seen.why), "")
        if unreached:
            return Judged(place, command, Verdict.UNTESTED, found.rule, unreached)
        if len({(seen.code, seen.end, seen.after) for seen in tries}) > 1:
            codes = " and ".join(sorted({seen.code or "nothing" for seen in tries}))
            return Judged(place, command, Verdict.UNTESTED, found.rule, f"it answers now this way, now that: {codes}")
        places = self._places(tries)
        extra = next((seen for seen in tries if seen.surplus), None)
        if extra and found.rule != "3030-2-not-offered":
            what = "more replies come than commands were sent"
            return Judged(place, command, Verdict.DIFFERS, "5321-4.3.1-one-reply", what, extra.lines, first.code)
        if first.code == GARBLED:
            what = "the lines of the reply do not go together, or are none"
            return Judged(place, command, Verdict.DIFFERS, "5321-4.2-reply-grammar", what, first.short, first.code)
        if first.code == "334" and first.after != "501":
            verdict = Verdict.CODE if first.after[:1] == "5" else Verdict.DIFFERS
            what = f"the asterisk that ends the attempt is answered {first.after or 'with nothing'}"
            return Judged(place, command, verdict, "4954-4-cancel", what, first.short, first.code)
        for way in found.ways:
            if way.unless and way.unless in self._profile.offers(place):
                continue
            if way.allows(first.code) and self._leads(way, place, places):
                verdict = Verdict.UNTESTED if way is LATER else _VERDICTS[way.grade]
                return Judged(place, command, verdict, way.rule or found.rule, way.why, first.short, first.code)
        why = self._untold(found, place, first)
        if why:
            return Judged(place, command, Verdict.UNTESTED, found.rule, why, first.short, first.code)
        return self._wrong(found, place, command, tries, places)

    def _untold(self, found: Cell, place: Place, seen: Seen) -> str:
        """Why it cannot be told where a reply that is allowed has led; "" if it can."""
        if not any(way.allows(seen.code) for way in found.ways):
            return ""
        if seen.end is Place.VOID and any(way.to == (Place.CONTENT,) for way in found.ways):
            return f"the message is refused ({seen.after or 'silence'})"
        if seen.end is None and not self._signatures.knows(place) and not seen.after.startswith("!"):
            return "this state cannot be recognized on this server"
        return ""

    def cell(self, place: Place, command: Command) -> Cell:
        """The cell that counts. Where AUTH comes before a transaction, a session is still authenticated behind it."""
        row = Place.AUTHED if place is Place.DONE and "AUTH" in self._profile.prelude else place
        return cell(row, command, self._profile.offers(row))

    def _places(self, tries: Sequence[Seen]) -> frozenset[Place]:
        """Where the command has led, as far as can be told."""
        end = tries[0].end
        if end is not None:
            return frozenset({end})
        return self._signatures.places(tuple(seen.walked for seen in tries))

    def _leads(self, way: Way, place: Place, places: frozenset[Place]) -> bool:
        """Whether a way leads where the command has led."""
        if way.to is ANY:
            return Place.CLOSED not in places
        return bool(set(self._meant(way.to, place)) & places)

    def _meant(self, to: Places, place: Place) -> tuple[Place, ...]:
        """The places that a way leads to from a place."""
        if to is SAME:
            return (place,)
        found = to if isinstance(to, tuple) else HOMES[place]
        assert isinstance(found, tuple)
        if to is HOME:
            prelude = self._profile.prelude
            found += (Place.AUTHED,) * ("AUTH" in prelude) + (Place.TLS_EHLO,) * ("TLS" in prelude)
        found = tuple(place if target is Place.ASKED else target for target in found)  # the kit has ended the attempt
        return tuple(UNDER.get(place, {}).get(target, target) for target in found)

    def _wrong(self, found: Cell, place: Place, command: Command, tries: Sequence[Seen], places: frozenset[Place]) -> Judged:
        """What is in no way of the cell."""
        seen = tries[0]
        if seen.code == SILENT:
            return Judged(place, command, Verdict.HANGS, "5321-4.3.1-silence", "no reply comes", seen.short, seen.code)
        has_closed = Place.CLOSED in places or any(walked.walked[:1] == (CLOSED,) for walked in tries)
        if has_closed and command is not Command.QUIT:
            what = (
                "the connection is closed" if seen.code == CLOSED else f"it answers {seen.code}, and closes the connection"
            )
            if self._profile.refusals <= 1 and seen.code[:1] in ("4", "5"):
                what = "the connection is closed after one refused command"
                return Judged(place, command, Verdict.CLOSES, "5321-7.8-few-refusals", what, seen.lines, seen.code)
            return Judged(place, command, Verdict.CLOSES, "5321-3.8-closes", what, seen.lines, seen.code)
        what = self._words(found, seen, place, places)
        is_code = seen.after.startswith("!") or not any(way.allows(seen.code) for way in found.ways)
        lines = seen.short if is_code else self._proof(found, place, tries)
        return Judged(place, command, Verdict.DIFFERS, found.rule, what, lines, seen.code)

    def _proof(self, found: Cell, place: Place, tries: Sequence[Seen]) -> tuple[str, ...]:
        """The dialogue up to the reply that shows that the state is none of those that are due."""
        code, signature = tries[0].code, tuple(seen.walked for seen in tries)
        number, reply = self._signatures.telling(signature, self._due(found, place, code))
        seen = tries[number]
        heard = -1
        for line, text in enumerate(seen.lines[seen.said :], seen.said):
            heard += bool(re.match(r"S: \d{3}(?!-)|\(", text))
            if heard == reply:
                return seen.lines[: line + 1]
        return seen.lines

    def _due(self, found: Cell, place: Place, code: str) -> tuple[Place, ...]:
        """The places where a reply that is allowed may lead."""
        allowed = [way for way in found.ways if way.allows(code) and way.to is not ANY]
        return tuple(dict.fromkeys(at for way in allowed for at in self._meant(way.to, place)))

    def _words(self, found: Cell, seen: Seen, place: Place, places: frozenset[Place]) -> str:
        """What happened, in words: the reply is not allowed here, or it leads where it must not."""
        if seen.after.startswith("!"):
            return f"it answers 220, and the TLS handshake fails: {seen.after[2:]}"
        if not any(way.allows(seen.code) for way in found.ways):
            right = " or ".join(found.ways[0].codes) or "no reply"
            return f"it answers {seen.code}, where {right} is due"
        led = " or ".join(f'"{at.value}"' for at in sorted(places, key=lambda at: at.name)) or "a state like no other"
        meant = " or ".join(f'"{at.value}"' for at in self._due(found, place, seen.code))
        return f"it answers {seen.code or 'nothing'}, and is then in {led}, where {meant} is due"
