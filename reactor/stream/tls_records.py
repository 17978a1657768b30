"""TLS records as they stand in a stream (RFC 8446 section 5.1): where they end, and whether a whole ClientHello is there.

It does not know what is in them. What cannot be a record is as good as whole: OpenSSL says what is wrong with it.
"""

HEADER = 5
"""Octets: the kind, a version, and how many follow."""

_HANDSHAKE = 22
_KINDS = range(20, 25)
_MAJOR = 3
_CLIENT_HELLO = b"\1"
_LONGEST = (1 << 14) + 2048
"""Octets of what follows a header, in TLS 1.2 (RFC 5246 section 6.2.3)."""


def whole(data: bytes | bytearray, most: int) -> int:
    """The octets of the whole records that it begins with, `most` of them at most."""
    end = 0
    for _ in range(most):
        if len(data) == end:
            break
        length = _length(data[end : end + HEADER])
        if length is None:
            return len(data)
        if len(data) < end + HEADER + length:
            break
        end += HEADER + length
    return end


class Hello:
    """Looks for the end of a ClientHello in what comes, at each record once."""

    def __init__(self) -> None:
        self._end = 0
        self._found = bytearray()

    def length(self, data: bytes | bytearray) -> int:
        """The octets of the records in which it is, when it is whole, or cannot be one; else 0. `data` is all that came."""
        while len(data) > self._end:
            length = _length(data[self._end : self._end + HEADER])
            begin = self._end + HEADER
            is_empty = length == 0 and len(data) >= begin  # no fragment of a handshake may be (RFC 8446 section 5.1)
            if length is None or data[self._end] != _HANDSHAKE or is_empty:
                return len(data)
            if not self._found and data[begin : begin + 1] not in (b"", _CLIENT_HELLO):
                return len(data)
            if len(data) < begin + length:
                return 0
            self._found += data[begin : begin + length]
            self._end = begin + length
            if len(self._found) >= 4 and len(self._found) >= 4 + int.from_bytes(self._found[1:4]):
                return self._end
        return 0


def _length(data: bytes | bytearray) -> int | None:
    """How many octets follow a header, of which perhaps not all is here; None where it is none."""
    if data[0] not in _KINDS or (len(data) > 1 and data[1] != _MAJOR):
        return None
    length = data[3] << 8 | data[4] if len(data) >= HEADER else 0
    return length if length <= _LONGEST else None
