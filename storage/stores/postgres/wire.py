"""Values as PostgreSQL takes them in binary: arrays, and the elements of them that messages need.

Knows nothing about statements. The layout is that of array_send and its like in PostgreSQL's source: dimensions, whether
there are nulls, the type of the elements; then for each dimension its size and first index; then each element with its
length before it. All numbers are big-endian.
"""

import struct
from collections.abc import Sequence
from enum import Enum


class Kind(Enum):
    """A type of elements. The value is its OID, which is the same in every database."""

    OCTETS = 17
    INTEGER = 23
    TEXT = 25
    ID = 2950


_HEAD = struct.Struct(">iiIii")
_EMPTY = struct.Struct(">iiI")
_LENGTH = struct.Struct(">i")
_NULL = _LENGTH.pack(-1)
_NUMBER = struct.Struct(">i")


def array(kind: Kind, elements: Sequence[bytes | None]) -> bytes:
    """An array of one dimension. None stands for null."""
    if not elements:
        return _EMPTY.pack(0, 0, kind.value)
    parts = [_HEAD.pack(1, None in elements, kind.value, len(elements), 1)]
    for element in elements:
        if element is None:
            parts.append(_NULL)
        else:
            parts += _LENGTH.pack(len(element)), element
    return b"".join(parts)


def number(value: int) -> bytes:
    """An integer of 32 bits."""
    return _NUMBER.pack(value)
