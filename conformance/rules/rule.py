"""What a rule is.

Knows nothing about any particular rule, or about how one is tested.
"""

import re
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple


class Level(Enum):
    """How strongly something is asked for. The value is the text for people.

    Of a finding, NOTE says that what happened is allowed, and worth knowing.
    """

    MUST = "MUST"
    SHOULD = "SHOULD"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the strongest."""
        return _LEVELS.index(self)


class Harm(Enum):
    """What a client suffers where a rule is broken. The value is the text for people."""

    DANGER = "danger"
    """Mail is forged, lost or doubled."""
    STOPS = "stops"
    """A client that is right is stopped, misled, or loses step."""
    COSMETIC = "cosmetic"
    """No client that keeps to RFC 5321 section 4.3.2 notices."""

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _HARMS.index(self)


_LEVELS, _HARMS = list(Level), list(Harm)

_ID = re.compile(r"(?P<rfc>\d{3,5})-(?P<section>[0-9A-Z]+(?:\.\d+)*)-(?P<word>[a-z0-9]+(?:-[a-z0-9]+)*)")


class Rule(NamedTuple):
    """What an RFC asks of a server.

    `id`: RFC, section and a word or two, as in 5321-4.1.4-hello-again. It never changes: baselines name it. `level` and
    `harm` are those of a server that breaks the rule in the worst way. `asks`: what the RFC asks, in our words. `mend`: what
    to do about it in a server.
    """

    id: str
    level: Level
    harm: Harm
    asks: str
    mend: str

    @property
    def rfc(self) -> int:
        """The number of the RFC."""
        return int(self.id.partition("-")[0])

    @property
    def section(self) -> str:
        """The section of the RFC."""
        return self.id.split("-")[1]

    @property
    def source(self) -> str:
        """RFC and section, for people."""
        return f"RFC {self.rfc} section {self.section}"

    @property
    def url(self) -> str:
        """Where it can be read."""
        return f"https://www.rfc-editor.org/rfc/rfc{self.rfc}#section-{self.section}"


def by_id(rules: Iterable[Rule]) -> dict[str, Rule]:
    """The rules by their ids. Raises ValueError with all flaws: ids that are malformed or come twice, and missing words."""
    found: dict[str, Rule] = {}
    flaws = []
    for rule in rules:
        if not _ID.fullmatch(rule.id):
            flaws.append(f"{rule.id}: an id is RFC-SECTION-WORD, like 5321-4.1.4-hello-again")
        if rule.id in found:
            flaws.append(f"{rule.id}: comes twice")
        if not (rule.asks.endswith(".") and rule.mend.endswith(".")):
            flaws.append(f"{rule.id}: what it asks and what to do are sentences")
        found[rule.id] = rule
    if flaws:
        raise ValueError("rules: " + "; ".join(flaws))
    return found
