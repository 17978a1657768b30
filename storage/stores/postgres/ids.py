"""Ids of messages: UUIDv7 (RFC 9562 section 5.7), so that the order of keys is that of time.

Knows nothing about what is called by them.
"""

import os
from uuid import UUID

_RANDOM_OCTETS = 10
_12_BITS, _62_BITS = (1 << 12) - 1, (1 << 62) - 1


def new(now: float) -> bytes:
    """An id made `now`, in seconds since the epoch: 16 octets, as the database keeps them."""
    chance = int.from_bytes(os.urandom(_RANDOM_OCTETS))
    parts = int(now * 1000) << 80 | 7 << 76 | (chance & _12_BITS) << 64 | 2 << 62 | chance >> 12 & _62_BITS
    return parts.to_bytes(16)


def first(now: float) -> str:
    """The least id of this moment, as text: a bound between those made before and those made after it."""
    return str(UUID(int=int(now * 1000) << 80))


def text(id: bytes) -> str:
    """An id as people write it."""
    digits = id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
