"""What stands before the content of a stored message, in any kind of mailbox.

It does not know where one message ends and another begins.
"""

import re

_HEADER_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_LONGEST_LINE = 998  # of a header: RFC 5322 section 2.1.1


def header(reverse_path: bytes, forward_path: bytes, trace: bytes, content: bytes) -> bytes:
    """Return-Path (RFC 5321 section 4.4), Delivered-To and `trace`, all with LF ends.

    A message that brings no header of its own gets the blank line that ends one.
    """
    has_header = content.startswith(b"\n") or _HEADER_FIELD.match(content, 0, _LONGEST_LINE)
    return b"Return-Path: <%b>\nDelivered-To: %b\n%b%b" % (
        reverse_path,
        forward_path,
        unix_lines(trace),
        b"" if has_header else b"\n",
    )


def unix_lines(text: bytes) -> bytes:
    """The text with the CR of each CRLF dropped, and all else as it is."""
    return text.replace(b"\r\n", b"\n")
