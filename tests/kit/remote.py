"""A store on the other side of a socket, like one in a database: it answers later, one recipient at a time, or never.

Shows the parts of storage/contract.py that a store on this disk does not need.
"""

import json
import socket
from collections.abc import Sequence
from itertools import count

from storage.contract import Answer, Beside, Loop, at_once
from storage.errors import FaultKind, StorageError

READ, WRITE = 1, 2


class RemoteMessage:
    """A message that is sent as a whole when it is complete."""

    def __init__(self, store: "RemoteStore", id: str, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]]) -> None:
        self.id = id
        self._store = store
        self._envelope = [reverse_path.decode(), [mailbox for mailbox, _ in recipients]]
        self._content = b""

    def trace(self, fields: bytes) -> None:
        self._content += fields

    def write(self, content: bytes) -> None:
        self._content += content

    def commit(self, answer: Answer) -> None:
        recipients = self._envelope[1]
        assert isinstance(recipients, list)
        self._store.send(self.id, answer, len(recipients), [self.id, *self._envelope, self._content.decode()])

    def abandon(self) -> None:
        self._content = b""


class RemoteStore:
    """Speaks in lines of JSON: messages go out, and `[id, recipient, kind of fault or null]` comes back. When the other side
    is gone, all that still wait are answered with a fault.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._loop: Loop | None = None
        self._ids = count(1)
        self._unsent = self._unread = b""
        self._waiting: dict[tuple[str, int], Answer] = {}
        self.is_gone = False

    def join(self, loop: Loop, beside: Beside = at_once) -> None:
        self._loop = loop
        loop.watch(self._socket, READ, self._ready)
        loop.before_write(self._flush)

    def begin(
        self, reverse_path: bytes, recipients: Sequence[tuple[str, bytes]], is_verbatim: bool = False
    ) -> RemoteMessage:
        return RemoteMessage(self, f"r{next(self._ids)}", reverse_path, recipients)

    def send(self, id: str, answer: Answer, recipients: int, message: list[object]) -> None:
        self._waiting |= {(id, number): answer for number in range(recipients)}
        self._unsent += json.dumps(message).encode() + b"\n"

    def _flush(self) -> None:
        """Sends everything that came in a turn. No answer comes before."""
        if self.is_gone:
            self._give_up()
        elif self._unsent:
            try:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            except BlockingIOError:
                pass
            except OSError:
                self._end()
            assert self._loop
            self._loop.rewatch(self._socket, READ | (WRITE if self._unsent else 0), self._ready)

    def _ready(self, events: int) -> None:
        if not events & READ:
            return
        try:
            data = self._socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            id, recipient, kind = json.loads(line)
            self._answer(id, recipient, kind)

    def _answer(self, id: str, recipient: int, kind: FaultKind | None) -> None:
        answer = self._waiting.pop((id, recipient))
        answer(recipient, StorageError("the other side refuses", kind) if kind else None)

    def _end(self) -> None:
        assert self._loop
        self.is_gone = True
        self._loop.unwatch(self._socket)
        self._give_up()

    def _give_up(self) -> None:
        for id, recipient in list(self._waiting):
            self._answer(id, recipient, "for now")

    def close(self) -> None:
        self._socket.close()
