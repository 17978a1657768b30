"""The mboxrd format: what a message looks like in a mailbox file.

It does not know files, nor where a message comes from. The format is the "mboxrd" of the mbox family (RFC 4155 describes
the family): a separator line, header, blank line, body with `From ` lines quoted by one `>`, blank line.
"""

import re
import time
from functools import lru_cache

from .fields import header, unix_lines

_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
_NOT_IN_A_SEPARATOR = re.compile(rb'[^!-~]|["\\]')


def lines(content: bytes) -> bytes:
    """Whole lines of a message, as they stand in a mailbox file: the CR of each CRLF dropped, `From ` lines quoted."""
    text = unix_lines(content)
    return _FROM_LINE.sub(rb">\1", text) if b"From " in text else text


def entry(reverse_path: bytes, forward_path: bytes, trace: bytes, message: bytes, now: float) -> bytes:
    """A message as it stands in a mailbox file, trailing blank line included.

    `trace` is header fields that come before the message; `message` has been through `lines`. `now` is in seconds since the
    epoch.
    """
    return b"From %b %b\n%b%b%b" % (
        _NOT_IN_A_SEPARATOR.sub(b"?", reverse_path) or b"MAILER-DAEMON",
        _date(int(now)),
        header(reverse_path, forward_path, trace, message),
        message,
        b"\n" if message.endswith(b"\n") or not message else b"\n\n",
    )


def gap(end: bytes) -> bytes:
    """What must stand between the last octets of a mailbox file (two, or all it has) and a new entry."""
    if not end or end == b"\n\n":
        return b""
    return b"\n" if end.endswith(b"\n") else b"\n\n"


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    return time.asctime(time.gmtime(second)).encode()
