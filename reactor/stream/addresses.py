"""Socket addresses as people write them: `host:port`, with an IPv6 host in brackets.

Knows nothing about whether anything listens there.
"""

import re
import socket

_WRITTEN = re.compile(r"(?:\[([^\]]+)\]|([^:\[\]]+)):(\d{1,5})", re.ASCII)


def parse(text: str) -> tuple[str, int]:
    """Splits an address into host and port. Raises ValueError; its text says what to write."""
    match = _WRITTEN.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not HOST:PORT: write 127.0.0.1:25 or [::1]:25")
    if int(match[3]) > 65535:
        raise ValueError(f"{text!r} has no port: ports are 0 to 65535")
    return match[1] or match[2], int(match[3])


def name(host: str, port: int) -> str:
    """Formats an address in the form that `parse` accepts."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def look_up(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    """What a socket needs to connect to a host: the first address of its name. Raises OSError, and UnicodeError."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return family, address
