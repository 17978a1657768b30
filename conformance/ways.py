"""What a cell of the table of what is lawful is made of: ways, each with codes, the places where it leads, and a grade.

Knows nothing about what is allowed where.
"""

from enum import Enum
from typing import NamedTuple

from .places import Place


class Grade(Enum):
    """What is said of a way. The value is the mark of the matrix."""

    RIGHT = "."
    NOTE = ","
    """Allowed, and worth knowing."""
    CODE = "c"
    """First digit and state are right; an RFC names another code."""
    SHOULD = "s"
    """Against a SHOULD."""
    MUST = "X"
    """Against a MUST. What is in no way of a cell is, too."""

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(Grade).index(self)


class To(Enum):
    """Where a way leads, in place of places."""

    SAME = "the state stays"
    HOME = "the session is as after EHLO"
    ANY = "the state is left open"


SAME, HOME, ANY = To
Places = tuple[Place, ...] | To


class Way(NamedTuple):
    """One way to keep a rule: reply codes, where it may lead, and what is said of it.

    `codes`: a whole code, "5" for any 5yz, or "" for no reply. `unless`: an extension whose offer forbids this way. `rule`:
    the rule that it is against, if it is another than the cell's.
    """

    codes: tuple[str, ...]
    to: Places
    grade: Grade = Grade.RIGHT
    why: str = ""
    unless: str = ""
    rule: str = ""

    def allows(self, code: str) -> bool:
        """Whether the code is one of this way's; "" stands for no reply."""
        return any(code == allowed or (len(allowed) == 1 and code[:1] == allowed) for allowed in self.codes)


class Cell(NamedTuple):
    """A rule, and the ways to keep it, the best first."""

    rule: str
    ways: tuple[Way, ...]


def _codes(text: str) -> tuple[str, ...]:
    return tuple("" if code == "none" else code for code in text.split())


def way(codes: str, to: Places, why: str = "", grade: Grade = Grade.NOTE, unless: str = "") -> Way:
    """A way that is not simply right; codes with blanks between, `none` for no reply."""
    return Way(_codes(codes), to, grade, why, unless)


def right(codes: str, to: Places) -> Way:
    """A way that is right."""
    return Way(_codes(codes), to)


def only_code(codes: str, why: str, to: Places = SAME) -> Way:
    """A way in which nothing but the code is wrong."""
    return Way(_codes(codes), to, Grade.CODE, why)


def against(codes: str, to: Places, why: str, unless: str = "") -> Way:
    """A way against a SHOULD."""
    return Way(_codes(codes), to, Grade.SHOULD, why, unless)
