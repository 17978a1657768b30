"""What is said of a server: findings, and what could not be tested.

Knows nothing about how they came about.
"""

from typing import NamedTuple

from .rules.known import RULES
from .rules.rule import Harm, Level, Rule
from .ways import Grade

_LEVEL = {Grade.MUST: Level.MUST, Grade.SHOULD: Level.SHOULD, Grade.CODE: Level.SHOULD, Grade.NOTE: Level.NOTE}


class Finding(NamedTuple):
    """A rule that the server does not keep, or keeps in a way worth knowing. One cause is one finding.

    `what`: what happened, a sentence. `dialogue`: the shortest that shows it. `cells`: where in the table, as PLACE/COMMAND.
    `remark`: what speaks for the server, such as that it may be its configuration, or a deliberate defence.
    """

    rule: str
    grade: Grade
    what: str
    dialogue: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    remark: str = ""

    @property
    def law(self) -> Rule:
        """The rule itself."""
        return RULES[self.rule]

    @property
    def level(self) -> Level:
        """How strong that is which was not kept; NOTE if nothing was broken."""
        return _LEVEL[self.grade]

    @property
    def harm(self) -> Harm:
        """What a client suffers from it."""
        if self.grade is Grade.MUST or (self.grade is Grade.SHOULD and self.law.level is Level.SHOULD):
            return self.law.harm
        return Harm.COSMETIC

    @property
    def key(self) -> str:
        """What a baseline calls it: the rule's id, and whether only the code is wrong, or it is but a note."""
        return self.rule + {Grade.CODE: "+code", Grade.NOTE: "+note"}.get(self.grade, "")


class Untested(NamedTuple):
    """A rule that could not be tested, and why. `cells`: where in the table."""

    rule: str
    why: str
    cells: tuple[str, ...] = ()
