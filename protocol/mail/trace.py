"""The Received field that a server puts before a message (RFC 5321 section 4.4)."""

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from re import compile as pattern

_NOT_IN_A_DOMAIN = pattern(rb"[^A-Za-z0-9._:\[\]_-]")


def received(origin: bytes, message_id: str, forward_path: bytes | None, now: float) -> bytes:
    """The field, with CRLF line ends: the part made by `origin`, the message's id, and `now` in seconds since the epoch.

    `forward_path` is the only recipient's, or None for several: the field must not reveal them (section 7.2).
    """
    for_whom = b";" if forward_path is None else b"\r\n\tfor <%b>;" % forward_path
    return b"%b%b%b %b\r\n" % (origin, message_id.encode(), for_whom, _date(int(now)))


@lru_cache(maxsize=1024)
def origin(client: bytes, address: str, hostname: bytes, protocol: bytes) -> bytes:
    """The part of the field that is equal for all messages of a client.

    `client` is the name that it gave, `address` its IP address, `protocol` one of the registered "with" words. Octets that
    are not allowed in a domain name are replaced with "?", so that no name can break the field's syntax.
    """
    literal = f"IPv6:{address}" if ":" in address else address
    words = (_NOT_IN_A_DOMAIN.sub(b"?", client), literal.encode(), hostname, protocol)
    return b"Received: from %b ([%b])\r\n\tby %b (carteiro) with %b id " % words


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    return format_datetime(datetime.fromtimestamp(second, UTC)).encode()
