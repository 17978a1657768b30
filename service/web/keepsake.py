"""A keepsake: a few octets that outlive this process, in a file that it has inherited and its successor will.

They are written to one of two places in turn, so that a process that is killed while it writes leaves the other. Knows
nothing about what they say.
"""

import os
import zlib

PLACE = 4 << 20
"""Octets of each place. More cannot be kept."""

_HEAD = 24


class Keepsake:
    """The octets in a file, given by its descriptor."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._serial = 0

    def keep(self, octets: bytes) -> None:
        """Keeps these octets instead of those before; those stay if they are too many, or the file cannot be written to."""
        if len(octets) > PLACE - _HEAD:
            return
        self._serial += 1
        try:
            os.pwrite(self._file, _head(self._serial, octets) + octets, self._serial % 2 * PLACE)
        except OSError:
            return

    def kept(self) -> bytes:
        """The octets that were kept last, by this process or one before it; none if there are none."""
        found = max((self._at(place) for place in (0, PLACE)), key=lambda entry: entry[0])
        self._serial = found[0]
        return found[1]

    def _at(self, place: int) -> tuple[int, bytes]:
        try:
            head = os.pread(self._file, _HEAD, place)
            serial, length = int.from_bytes(head[:8]), int.from_bytes(head[8:16])
            octets = os.pread(self._file, min(length, PLACE), place + _HEAD)
        except OSError:
            return 0, b""
        return (serial, octets) if head == _head(serial, octets) else (0, b"")


def _head(serial: int, octets: bytes) -> bytes:
    """Serial number and length, and a sum of these and of the octets."""
    head = serial.to_bytes(8) + len(octets).to_bytes(8)
    return head + zlib.crc32(octets, zlib.crc32(head)).to_bytes(8)
