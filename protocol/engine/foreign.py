"""Lines of other protocols: HTTP, and the PROXY protocol.

A web page can have a browser send anything to any port of its user's network, as the body of a POST; and that body may be a
dialogue of SMTP. So who begins to speak HTTP is not listened to any further.
"""

import enum
import re

_HTTP = re.compile(rb"[A-Z-]+ [^\r\n]* HTTP/[0-9](?:\.[0-9])?[ \t]*(?:[\r\n]|\Z)", re.IGNORECASE)
_METHOD = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI|PROPFIND|M-SEARCH) ", re.IGNORECASE)
"""RFC 9110 section 9, RFC 5789, RFC 9113 section 3.4, and others that are in use."""

_LONG = 1000
"""Octets of a line of which perhaps not all is here."""


class Foreign(enum.Enum):
    """What such a line has in place of an argument."""

    LINE = enum.auto()


def is_foreign(line: bytes) -> bool:
    """Whether a line that is no command of ours is one of theirs. An overlong one is known by how it begins."""
    if line.startswith(b"PROXY "):
        return True
    return bool(_HTTP.match(line) or (len(line) > _LONG and _METHOD.match(line)))
