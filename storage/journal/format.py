"""The format of a journal segment: a header, and frames that show whether they are whole (docs/storage.md, byte by byte).

Knows nothing about the frames' payloads, nor about files.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

SIZE = 8 << 20
"""Octets of a segment."""

START = 512
"""Offset of the first frame. A disk writes this many octets wholly or not at all, and the header is within them."""

VERSION = 1

_MAGIC = b"carteiro"
_HEADER = struct.Struct(">8sHQ8s")  # magic, version, sequence, salt; then a checksum
_CHECKSUM = struct.Struct(">I")
_FRAME = struct.Struct(">8sIIQII")  # salt, checksum of all that follows, length, group, index, count
_CHECKED = struct.Struct(">IQII")  # the last four fields, which the checksum covers with the payload
_UNCHECKED = 12

OVERHEAD = _FRAME.size
"""Octets of a frame besides its payload."""


class NotASegment(Exception):  # noqa: N818 (what a header turns out to be)
    """A header is not one that this server can read. The text says why."""


class Header(NamedTuple):
    """`sequence` numbers the lives of segments; 0: not in use. `salt` is random and new in each life; each frame begins with
    it.
    """

    sequence: int
    salt: bytes


class Frame(NamedTuple):
    """A whole frame: its payload, and its `offset` and `end` in the segment. `group` is the number of the group that was
    written and synced together; its `of` frames have a `number` from 0.
    """

    offset: int
    end: int
    group: int
    number: int
    of: int
    payload: bytes


def header(sequence: int, salt: bytes) -> bytes:
    """The octets of a segment's header."""
    fields = _HEADER.pack(_MAGIC, VERSION, sequence, salt)
    return fields + _CHECKSUM.pack(crc32(fields))


def read_header(data: bytes) -> Header:
    """The header at the beginning of `data`. A segment that was never used has zeros there, which read as sequence 0.

    Raises NotASegment for another file or another version, and ValueError for a damaged header.
    """
    if not data.strip(b"\0"):
        return Header(0, b"")
    if len(data) < _HEADER.size + _CHECKSUM.size or not data.startswith(_MAGIC):
        raise NotASegment("is not a journal segment of carteiro")
    _, version, sequence, salt = _HEADER.unpack_from(data)
    if version != VERSION:
        raise NotASegment(f"has journal format {version}, and this server understands format {VERSION}")
    if _CHECKSUM.unpack_from(data, _HEADER.size)[0] != crc32(data[: _HEADER.size]):
        raise ValueError("its header is damaged")
    return Header(sequence, salt)


def frames(payloads: Sequence[tuple[int, Sequence[bytes]]], salt: bytes, group: int) -> list[bytes]:
    """The frames of a group, as pieces to write. A payload is given as its length and its pieces."""
    pack, count = _CHECKED.pack, len(payloads)
    made: list[bytes] = []
    for index, (length, pieces) in enumerate(payloads):
        fields = pack(length, group, index, count)
        check = crc32(fields)
        for piece in pieces:
            check = crc32(piece, check)
        made.append(salt + _CHECKSUM.pack(check) + fields)
        made += pieces
    return made


def frame_at(data: bytes, offset: int, salt: bytes, base: int = 0) -> Frame | None:
    """The frame at an offset of `data`, or None if there is no whole one. `base` is the offset of `data` in the segment."""
    if data[offset : offset + len(salt)] != salt or offset + OVERHEAD > len(data):
        return None
    _, check, length, group, index, count = _FRAME.unpack_from(data, offset)
    end = offset + OVERHEAD + length
    if end > len(data):
        return None
    payload = data[offset + OVERHEAD : end]
    if crc32(payload, crc32(data[offset + _UNCHECKED : offset + OVERHEAD])) != check:
        return None
    return Frame(base + offset, base + end, group, index, count, payload)


def scan(data: bytes, salt: bytes) -> Iterator[Frame]:
    """Every whole frame of a segment, in order. The octets between one frame's end and the next one's offset are damaged."""
    offset = START
    while offset >= 0:
        frame = frame_at(data, offset, salt)
        if frame:
            yield frame
            offset = frame.end
        else:
            offset = data.find(salt, offset + 1)
