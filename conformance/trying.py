"""Tries a command in a place: what it was answered, and where it has led.

Knows nothing about what is right (see `judging`).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .dialogue import CLOSED, SILENT, Dialogue, Reply
from .openings import Steps, Unreached, walk_to, ways_to
from .places import Command, Place
from .proving import prove
from .target import Profile, Target
from .walks import Signature, Walks, walk
from .wire import NotReached, Open

GRACE = 0.3
"""Seconds to wait for a reply that need not come, once a later command was answered."""

UNTOLD = "untold"
"""Stands in place of a reply code that cannot be told from the end of the session."""

NOT_READ = (Command.EMPTY, Command.DOT)
"""Lines that a server may pass over without a reply."""

UNSAID = (*NOT_READ, Command.BDAT, Command.LAST)
"""Commands that are not said where lines are content: they would end it, or be more than a line."""


class Seen(NamedTuple):
    """What became of a command on one walk.

    `code`: of the reply, or what stood in its place. `end`: where it led, if that was seen at once: CONTENT, VOID, CLOSED.
    `walked`: what the walk behind it was answered. `after`: what a follow-up was answered, or why the handshake failed.
    `surplus`: replies too many. `lines`: the dialogue. `said`: how many of them there were when the command was answered.
    `why`: set if the place was not reached.
    """

    code: str
    end: Place | None = None
    walked: tuple[str, ...] = ()
    after: str = ""
    surplus: int = 0
    lines: tuple[str, ...] = ()
    said: int = 0
    why: str = ""

    @property
    def short(self) -> tuple[str, ...]:
        """The dialogue without the walk."""
        return self.lines[: self.said]


class Tries:
    """Tries commands at one server."""

    def __init__(
        self, open_wire: Open, target: Target, profile: Profile, walks: Walks, patience: Callable[[], float]
    ) -> None:
        self._open = open_wire
        self._target = target
        self._profile = profile
        self._walks = walks
        self._patience = patience

    async def signature(self, steps: Steps) -> Signature | str:
        """What each walk is answered behind these steps; or why they cannot be made."""
        codes = []
        for path in self._walks.paths:
            try:
                dialogue = await self._begin(steps)
            except (Unreached, NotReached) as fault:
                return str(fault)
            codes.append(await walk(dialogue, self._target, path, self._walks.refusals))
        return tuple(codes)

    async def seen(self, place: Place, command: Command, path: Sequence[Command]) -> Seen:
        """A command in a place, with a walk behind it."""
        try:
            dialogue = await self._begin(ways_to(place, self._target, self._profile)[0])
        except (Unreached, NotReached) as fault:
            return Seen("", why=str(fault))
        reply = await self._said(dialogue, place, command)
        if reply.code == UNTOLD:
            dialogue.close()
            try:
                dialogue = await self._begin(ways_to(place, self._target, self._profile)[0])
            except (Unreached, NotReached) as fault:
                return Seen("", why=str(fault))
            reply = await self._said_alone(dialogue, command)
        seen = await self._followed(dialogue, command, reply)
        seen = seen._replace(said=len(dialogue.lines))
        if seen.end is None and not seen.after.startswith("!"):
            walked = await walk(dialogue, self._target, path, self._walks.refusals)
            seen = seen._replace(walked=walked)
        dialogue.close()
        return seen._replace(surplus=len(dialogue.surplus), lines=tuple(dialogue.lines))

    async def text(self, place: Place, commands: Sequence[Command]) -> Seen:
        """Lines that look like commands, as mail data or as a chunk: `code` is the reply to the end of it."""
        try:
            dialogue = await self._begin(ways_to(place, self._target, self._profile)[0])
        except (Unreached, NotReached) as fault:
            return Seen("", why=str(fault))
        told = self._target._replace(auth=None)
        lines = [told.line(command, frozenset())[0] for command in commands if command not in UNSAID]
        content = self._target.message("lines that look like commands", "\r\n".join(lines))
        if place is Place.CHUNK:
            dialogue.tell(f"BDAT {len(content)} LAST", content)
        else:
            dialogue.send(content + b".\r\n")
        reply = await dialogue.hear()
        await dialogue.leave()
        return Seen(reply.code, surplus=len(dialogue.surplus), lines=tuple(dialogue.lines))

    async def _begin(self, steps: Steps) -> Dialogue:
        """A connection on which the steps were made. Raises Unreached and NotReached."""
        dialogue = Dialogue(await self._open(), self._patience())
        try:
            await walk_to(dialogue, self._target, steps)
        except Unreached:
            dialogue.close()
            raise
        return dialogue

    async def _said(self, dialogue: Dialogue, place: Place, command: Command) -> Reply:
        """The reply to a command, SILENT if it is passed over."""
        line, octets = self._target.line(command, self._profile.offers(place))
        if place is Place.CONTENT:
            dialogue.send(self._target.message("its end"))
            return await dialogue.say(line)
        if command is Command.AUTH:
            return await prove(dialogue, self._target)
        if command not in NOT_READ:
            return await dialogue.say(line, octets)
        if "PIPELINING" not in self._profile.offers(place):
            return await self._said_alone(dialogue, command)
        dialogue.tell(line)
        reply = await dialogue.say("NOOP")
        later = await dialogue.hear(GRACE)
        if reply.code != "421" and later.code in ("421", CLOSED) and reply.code not in (CLOSED, "221"):
            return Reply(UNTOLD)
        if later.code == SILENT:
            dialogue.lines.pop()
            return Reply(SILENT)
        return reply

    async def _said_alone(self, dialogue: Dialogue, command: Command) -> Reply:
        """The same for what may be passed over, where no other command may be sent before the reply."""
        dialogue.tell("" if command is Command.EMPTY else command.value)
        reply = await dialogue.hear(self._patience() / 3)
        if reply.code == SILENT:
            dialogue.lines.pop()
        return reply

    async def _followed(self, dialogue: Dialogue, command: Command, reply: Reply) -> Seen:
        """What a reply asks for is done: mail data is sent, a handshake made, the end awaited."""
        if reply.code == "354":
            dialogue.send(self._target.message("an unexpected 354") + b".\r\n")
            last = await dialogue.hear()
            await dialogue.leave()
            return Seen("354", Place.CONTENT if last.code[:1] == "2" else Place.VOID, after=last.code)
        if reply.code == "334":
            return Seen("334", after=(await dialogue.say("*")).code)
        if reply.code == "220" and command is Command.STARTTLS:
            return Seen("220", after="! " + fault if (fault := await dialogue.secure()) else "")
        if reply.code in ("221", "421"):
            last = await dialogue.hear()
            return Seen(reply.code, Place.CLOSED) if last.code == CLOSED else Seen(reply.code, after=last.code)
        if reply.code in (CLOSED, SILENT) and command not in NOT_READ:
            dialogue.close()
            return Seen(reply.code, Place.CLOSED)
        return Seen(reply.code)
