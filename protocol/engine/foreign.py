"""Recognizes lines of other protocols: HTTP, and the PROXY protocol.

A web page can make a browser send a POST to any port of its user's network, and the body may be an SMTP dialogue. So the
server ends the session of a client that sends a line of HTTP.
"""

import enum
import re

_HTTP = re.compile(rb"[A-Z-]+ [^\r\n]* HTTP/[0-9](?:\.[0-9])?[ \t]*(?:[\r\n]|\Z)", re.IGNORECASE)
_METHOD = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI|PROPFIND|M-SEARCH) ", re.IGNORECASE)
"""HTTP methods: RFC 9110 section 9, RFC 5789, RFC 9113 section 3.4, and others that are in use."""

_LONG = 1000
"""A line of more octets than this may have been cut by the buffer, so that the end of an HTTP request line is missing."""


class Foreign(enum.Enum):
    """The argument that a grammar gives to a line of another protocol."""

    LINE = enum.auto()


def is_foreign(line: bytes) -> bool:
    """Whether a line belongs to another protocol. Of an overlong line, the HTTP method at its beginning decides."""
    if line.startswith(b"PROXY "):
        return True
    return bool(_HTTP.match(line) or (len(line) > _LONG and _METHOD.match(line)))
