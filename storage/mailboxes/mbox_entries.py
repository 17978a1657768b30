"""Where the messages of an mbox file begin and end.

A message begins with a line `From ` at the beginning of the file, or behind a line end; content has such lines quoted. A
file that begins otherwise has no messages. Knows nothing about files but that they can be read.
"""

from collections.abc import Callable, Iterator

BLOCK = 256 * 1024
"""Octets that are searched at a time."""

FIRST = b"From "
START = b"\n" + FIRST

Read = Callable[[int, int], bytes]
"""Reads octets: as many as the first number says, from the second on; fewer only at the end of the file."""


def ends(read: Read, start: int, size: int) -> Iterator[int]:
    """Yields where each message ends, in order: at the beginning of the next one, or at `size`. One begins at `start`."""
    offset, kept = start, b""
    if offset >= size or read(len(FIRST), offset) != FIRST:
        return
    while offset < size:
        data = read(min(BLOCK, size - offset), offset)
        if not data:
            break
        searched = kept + data
        at = searched.find(START)
        while at >= 0:
            yield offset - len(kept) + at + 1
            at = searched.find(START, at + 1)
        offset += len(data)
        kept = searched[-len(START) + 1 :]
    yield size


def starts_from_behind(read: Read, size: int) -> Iterator[int]:
    """Yields where each message begins, the last one first."""
    end, kept = size, b""
    while end > 0:
        start = max(0, end - BLOCK)
        data = read(end - start, start) + kept
        at = data.rfind(START)
        while at >= 0:
            yield start + at + 1
            at = data.rfind(START, 0, at + len(START) - 1)
        end, kept = start, data[: len(START) - 1]
    if kept.startswith(FIRST):
        yield 0
