"""Two front ends from which mail in a database is fetched, without their sockets.

Knows nothing about what POP3 says.
"""

from pathlib import Path
from typing import Any

from protocol.pop3.outside import Maildrop, Message
from service.kinds import POSTGRES, kind_of
from service.pop3.maildrops import Maildrops

from .asking import Asking


class FrontEnds(Asking):
    """Their mailboxes, each with a connection of its own; all in one loop. `where` is what --database is given."""

    def __init__(self, where: str, single: str = "single") -> None:
        super().__init__()
        kinds = [kind_of(POSTGRES, where, single) for _ in range(2)]
        self.maildrops = [Maildrops(self.reactor, Path(), kind) for kind in kinds]

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
