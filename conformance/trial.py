"""What a probe is, and what it gets: connections to the server, what is known of it, and a place for what it finds.

Knows nothing about any particular probe.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from .dialogue import Dialogue
from .finding import Finding, Untested
from .openings import reach, walk_to, ways_to
from .places import Place
from .target import Profile, Target
from .ways import Grade
from .wire import Open


class Trial:
    """One probe at one server."""

    def __init__(self, open_wire: Open, target: Target, profile: Profile, patience: float) -> None:
        self._open = open_wire
        self.target = target
        self.profile = profile
        self.patience = patience
        """Seconds to wait for a reply."""
        self.findings: list[Finding] = []
        self.gaps: list[Untested] = []
        self._dialogues: list[Dialogue] = []

    async def open(self, place: Place = Place.EHLO) -> Dialogue:
        """A connection that has come to a place. Raises Unreached if the server does not let it. Close it with `leave`."""
        dialogue = await self._begun()
        await reach(dialogue, self.target, self.profile, place)
        return dialogue

    async def ready(self) -> Dialogue:
        """A connection in which MAIL may come at once: behind EHLO, and the TLS and AUTH that this server asks for."""
        dialogue = await self._begun()
        ways = ways_to(Place.MAIL, self.target, self.profile)
        await walk_to(dialogue, self.target, ways[0][:-1])
        return dialogue

    async def _begun(self) -> Dialogue:
        self._dialogues.append(Dialogue(await self._open(), self.patience))
        return self._dialogues[-1]

    def close(self) -> None:
        """Closes the connections that are still open."""
        for dialogue in self._dialogues:
            dialogue.close()

    def breaks(self, rule: str, what: str, dialogue: Dialogue, grade: Grade = Grade.MUST, remark: str = "") -> None:
        """Says that the server does not keep a rule: what happened, a sentence; and where it was said."""
        self.findings.append(Finding(rule, grade, what, tuple(dialogue.lines), (), remark))

    def untested(self, rule: str, why: str) -> None:
        """Says that a rule could not be tested. A rule of the probe that is in neither list is kept."""
        self.gaps.append(Untested(rule, why))


class Probe(NamedTuple):
    """A small test of one or a few rules that no cell of the table shows.

    `rules`: those that it may find broken. `hold` makes its dialogues, and says what it finds. `needs`: extensions; without
    them it is not held. `messages`: how many it leaves at most. `is_intrusive`: whether it loads the server, or tries to
    break in. `takes`: seconds of silence that it waits out on purpose. `is_for_lmtp`: whether it says nothing of SMTP.
    """

    name: str
    rules: tuple[str, ...]
    hold: Callable[[Trial], Awaitable[None]]
    needs: tuple[str, ...] = ()
    messages: int = 0
    is_intrusive: bool = False
    takes: float = 0.0
    is_for_lmtp: bool = False
