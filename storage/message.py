"""A message on its way into storage: its envelope, and its content as it comes.

It does not know what a mailbox looks like, nor when messages are put on disk.
"""

import os
import time
from collections.abc import Callable
from itertools import count

from .errors import StorageError

Answer = Callable[[StorageError | None], None]


class Message:
    """A message for a mailbox. Content is kept in memory until it is committed or abandoned.

    `came` is when it began (`time.time`), `ended` when it was complete (`time.monotonic`). `lines` turns whole lines of
    content (the last one may lack its end) into what stands in the mailbox; `take` is called when the content is complete.
    """

    __slots__ = (
        "_answer", "_convert", "_half_a_line", "_lines", "_take", "came", "ended", "forward_path", "id", "mailbox",
        "reverse_path", "trace_fields",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        reverse_path: bytes,
        forward_path: bytes,
        mailbox: str,
        lines: Callable[[bytes], bytes],
        take: Callable[["Message"], None],
    ) -> None:
        self.id = id
        self.reverse_path = reverse_path
        self.forward_path = forward_path
        self.mailbox = mailbox
        self.trace_fields = b""
        self.came = time.time()
        self.ended = 0.0
        self._convert = lines
        self._take = take
        self._lines = bytearray()
        self._half_a_line = bytearray()
        self._answer: Answer | None = None

    def trace(self, fields: bytes) -> None:
        """Takes the header fields that go before the content; their lines end in CRLF or LF."""
        self.trace_fields += fields

    def write(self, content: bytes) -> None:
        """Takes the next piece of content. It is made fit for the mailbox now: all at once could take long."""
        end = content.rfind(b"\n") + 1
        if end:
            self._lines += self._convert(bytes(self._half_a_line) + content[:end])
            self._half_a_line.clear()
        self._half_a_line += content[end:]

    def commit(self, answer: Answer) -> None:
        """The content is complete; `answer` is called, later, when it is on disk or has failed."""
        self._lines += self._convert(bytes(self._half_a_line))
        self._half_a_line.clear()
        self._answer = answer
        self.ended = time.monotonic()
        self._take(self)

    def abandon(self) -> None:
        """Nothing of this message is kept."""
        self._lines.clear()
        self._half_a_line.clear()

    @property
    def content(self) -> bytes:
        """What stands in the mailbox, after the trace fields."""
        return bytes(self._lines)

    def answer(self, fault: StorageError | None) -> None:
        """Tells whoever committed the message."""
        if self._answer:
            self._answer(fault)


Answered = tuple[Message, StorageError | None]
"""A message, and what is to be answered: None when it is on disk."""


class Ids:
    """Names for messages that no other message has, not even one of another process or after a restart."""

    def __init__(self) -> None:
        self._serial = count()
        self._prefix = f"{time.time_ns():x}.{os.getpid():x}"

    def __next__(self) -> str:
        return f"{self._prefix}.{next(self._serial):x}"
