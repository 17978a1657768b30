"""TLS records in a stream (RFC 8446 section 5.1): finds where they end, and whether a whole ClientHello has arrived.

Knows nothing about their content. Octets that cannot be a record count as whole: OpenSSL will report the error.
"""

HEADER = 5
"""Octets of a record's header: content type, version, length."""

_HANDSHAKE = 22
_KINDS = range(20, 25)
_MAJOR = 3
_CLIENT_HELLO = b"\1"
_LONGEST = (1 << 14) + 2048
"""Most octets after the header of a record, in TLS 1.2 (RFC 5246 section 6.2.3)."""


def whole(data: bytes | bytearray, most: int) -> int:
    """The length in octets of the complete records at the beginning of `data`, at most `most` records."""
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
    """Finds the end of a ClientHello in input that arrives in pieces. Looks at each record once."""

    def __init__(self) -> None:
        self._end = 0
        self._found = bytearray()

    def length(self, data: bytes | bytearray) -> int:
        """The length of the records that hold the ClientHello. 0: it is not complete yet. `data` is all input so far.

        If the input cannot be a ClientHello, returns the length of all of it, so that OpenSSL reports the error.
        """
        while len(data) > self._end:
            length = _length(data[self._end : self._end + HEADER])
            begin = self._end + HEADER
            is_empty = length == 0 and len(data) >= begin  # not allowed in a handshake (RFC 8446 section 5.1)
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
    """The number of octets after a header. 0: the header is incomplete, or nothing follows it. None: it is not a header."""
    if data[0] not in _KINDS or (len(data) > 1 and data[1] != _MAJOR):
        return None
    length = data[3] << 8 | data[4] if len(data) >= HEADER else 0
    return length if length <= _LONGEST else None
