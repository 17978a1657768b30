"""The first look at a server: what it offers, what it asks for before a transaction, how many refusals it bears.

Knows nothing about what is right.
"""

from collections.abc import Callable

from .dialogue import CLOSED, Dialogue, Reply
from .openings import AUTH, EHLO, MAIL, RCPT, TLS, Steps, Unreached, walk_to
from .places import Place
from .proving import chosen
from .target import Profile, Target, Tls
from .wire import Open

TRIED_REFUSALS = 8
"""As many refusals as the walks need at most. Whether a server bears more is not asked."""

PRELUDES: tuple[tuple[str, ...], ...] = ((), ("AUTH",), ("TLS",), ("TLS", "AUTH"))
"""What a server may ask for before a transaction."""


class Untestable(Exception):  # noqa: N818
    """Nothing can be said of this server. The text says why, and what to do."""


class Look:
    """One server, looked at."""

    def __init__(self, open_wire: Open, target: Target, patience: Callable[[], float]) -> None:
        self._open = open_wire
        self._target = target
        self._patience = patience
        self._greeting = b""

    async def profile(self) -> Profile:
        """Looks. Raises Untestable, or NotReached."""
        before: Steps = (EHLO, TLS) if self._target.tls is Tls.FIRST else ()
        hello = await self._hello(before)
        is_old = hello.code[:1] == "5" and not self._target.is_lmtp
        if is_old:
            self._target = self._target._replace(is_old=True)
            hello = await self._hello(before)
        if hello.code != "250":
            said, protocol = ("LHLO", "LMTP") if self._target.is_lmtp else ("EHLO", "SMTP")
            raise Untestable(f"{said} is answered {_text(hello)}: is this a server of {protocol}?")
        offered = {Place.EHLO: frozenset(hello.words)}
        secret = Reply("")
        if "STARTTLS" in offered[Place.EHLO] and not before:
            secret = await self._hello((EHLO, TLS))
            if secret.code == "250":
                offered[Place.TLS_EHLO] = frozenset(secret.words)
        mechanisms = tuple(hello.parameters("AUTH") or secret.parameters("AUTH"))
        self._target = self._target._replace(mechanism=chosen(mechanisms))
        prelude = await self._prelude(offered)
        size = next((int(word) for word in hello.parameters("SIZE") if word.isdigit()), 0)
        refusals = min(await self._refusals("XYZZY"), await self._refusals("DATA"))
        return Profile(self._greeting.decode("utf-8", "replace"), offered, mechanisms, refusals, prelude, size, is_old)

    async def _hello(self, before: Steps) -> Reply:
        """The answer to EHLO, after some steps; none if these are not let."""
        dialogue = Dialogue(await self._open(), self._patience())
        greeting = await dialogue.greeting()
        if greeting.code != "220":
            dialogue.close()
            told = f"greets with {_text(greeting)}, not with 220" if greeting.lines else "does not greet"
            raise Untestable(f"it {told}: is this a server of SMTP?")
        self._greeting = greeting.lines[0]
        try:
            await walk_to(dialogue, self._target, before)
            reply = await dialogue.say(self._target.hello)
            await dialogue.leave()
        except Unreached:
            dialogue.close()
            return Reply("")
        return reply

    async def _prelude(self, offered: dict[Place, frozenset[str]]) -> tuple[str, ...]:
        """What it takes to send mail to the mailbox."""
        faults = []
        for prelude in PRELUDES:
            if ("AUTH" in prelude and not self._target.auth) or ("TLS" in prelude and Place.TLS_EHLO not in offered):
                continue
            tls: Steps = (EHLO, TLS) if "TLS" in prelude or self._target.tls is Tls.FIRST else ()
            steps = (*tls, EHLO, *((AUTH,) if "AUTH" in prelude else ()), MAIL, RCPT)
            dialogue = Dialogue(await self._open(), self._patience())
            try:
                await walk_to(dialogue, self._target, steps)
                await dialogue.leave()
            except Unreached as fault:
                dialogue.close()
                faults.append(str(fault))
            else:
                return prelude
        raise Untestable(f"no mail can be sent to {self._target.to}: {faults[0]}: name a mailbox that takes mail (--to)")

    async def _refusals(self, line: str) -> int:
        """How many times it refuses a line before it closes the connection, at most TRIED_REFUSALS."""
        dialogue = Dialogue(await self._open(), self._patience())
        await walk_to(dialogue, self._target, (EHLO, TLS, EHLO) if self._target.tls is Tls.FIRST else (EHLO,))
        for number in range(TRIED_REFUSALS):
            reply = await dialogue.say(line)
            if reply.code in (CLOSED, "421", "221"):
                dialogue.close()
                return number
        await dialogue.leave()
        return TRIED_REFUSALS


def _text(reply: Reply) -> str:
    return b" / ".join(reply.lines).decode("ascii", "backslashreplace")[:200] or reply.code or "nothing"
