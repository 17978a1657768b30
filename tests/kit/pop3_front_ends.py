"""Two front ends from which mail in a database is fetched, without their sockets.

Knows nothing about what POP3 says.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from protocol.pop3.outside import Maildrop, Message
from reactor.loop import Reactor
from service.kinds import POSTGRES, kind_of
from service.pop3.maildrops import Maildrops


class FrontEnds:
    """Their mailboxes, each with a connection of its own; all in one loop. `where` is what --database is given."""

    def __init__(self, where: str, single: str = "single") -> None:
        self.reactor = Reactor()
        kinds = [kind_of(POSTGRES, where, single) for _ in range(2)]
        self.maildrops = [Maildrops(self.reactor, Path(), kind) for kind in kinds]

    def asked(self, ask: Callable[[Callable[[Any], None]], object]) -> Any:
        """Asks, and lets the loop run until there is an answer."""
        answers: list[Any] = []

        def answer(value: Any) -> None:
            answers.append(value)
            self.reactor.stop()

        ask(answer)
        if not answers:
            self.reactor.call_later(20, self.reactor.stop)
            self.reactor.run()
        assert answers, "it was answered in time"
        return answers[0]

    def open(self, number: int, name: bytes = b"ana") -> Any:
        return self.asked(lambda answer: self.maildrops[number].open(name, answer))

    def fetched(self, box: Maildrop, index: int) -> bytes | None:
        message: Message | None = self.asked(lambda answer: box.fetch(index, answer))
        pieces = []
        while message and (piece := self.asked(message.read)):
            pieces.append(piece)
        return b"".join(pieces) if message else None

    def removed(self, box: Maildrop, *indices: int) -> Any:
        return self.asked(lambda answer: box.remove(indices, answer))

    def close(self) -> None:
        for maildrops in self.maildrops:
            maildrops.close()
        self.reactor.close()
