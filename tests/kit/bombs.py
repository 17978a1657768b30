"""Mails that are made to take long, or much memory: each of 25 MiB at most, and read in a process of its own.

Run with a bomb's name: it says how much processor time and memory reading took, and what came of it.
"""

import resource
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from functools import partial

MEMORY = 600 << 20
"""Octets of address space that reading may take."""

MAIL = 25 << 20
HTML = b"Content-Type: text/html; charset=utf-8\n\n"
MIXED = b'Content-Type: multipart/mixed; boundary="b"\n\n'
BASE64 = b"Content-Transfer-Encoding: base64\n\n"


def filled(beginning: bytes, piece: bytes, end: bytes = b"") -> bytes:
    """As many pieces as a mail may have."""
    return beginning + piece * ((MAIL - len(beginning) - len(end)) // len(piece)) + end


def nested(levels: int, is_closed: bool = True) -> bytes:
    """Multiparts in multiparts, and a text in the innermost."""
    head = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(levels))
    tail = b"".join(b"\n--b%d--\n" % level for level in reversed(range(levels))) if is_closed else b""
    return head + b"Content-Type: text/plain\n\ninnermost" + tail


def subject(text: bytes) -> bytes:
    return b"Subject: %b\n\nbody\n" % text


def undecodable(charset: str, octets: bytes) -> bytes:
    """Octets that are none of a charset, of which a fifth of a mail is enough to see."""
    return b"Content-Type: text/plain; charset=%b\n\n" % charset.encode() + octets * (MAIL // 5 // len(octets))


UNDECODABLE = {
    "utf-8": b"\xc3\x28",
    "utf-16le": b"\x00\xdc",
    "utf-32le": b"\xff\xff\xff\xff",
    "gb18030": b"\xff",
    "windows-1253": b"\xff",
    "iso-2022-jp": b"\xff\x1b",
    "iso-2022-kr": b"\xff",
    "hz-gb-2312": b"~\xff",
    "big5": b"\xff",
    "euc-jp": b"\xff",
    "euc-kr": b"\xff",
    "shift_jis": b"\xff",
}

BOMBS: dict[str, Callable[[], bytes]] = {
    "encoded words": lambda: subject(b" ".join([b"=?utf-8?q?a=C3=A9?="] * 50_000)),
    "folded encoded words": lambda: subject(b"\n ".join([b"=?utf-8?b?w6k=?="] * 50_000)),
    "fields of encoded words": lambda: filled(b"", b"To: " + b"=?utf-8?q?a?= " * 1_000 + b"\n"),
    "semicolons": lambda: b"Content-Type: text/plain" + b"; " * 10_000 + b"\n\nbody\n",
    "many semicolons": lambda: b"Content-Type: text/plain" + b";" * MAIL,
    "parentheses": lambda: b"From: " + b"(" * 100_000 + b"\n\nbody\n",
    "quotes and angles": lambda: filled(b"From: ", b'<"a ') + b"\n\n",
    "addresses": lambda: b"To: " + b"a@b.c," * 1_000_000 + b"\n\n",
    "recipient fields": lambda: filled(b"", b"To: a,a,a,a,a,a,a,a\n"),
    "header fields": lambda: filled(b"", b"a:\n"),
    "fields of parts": lambda: filled(MIXED, b"--b\n" + b"a:\n" * 100 + b"\nx\n"),
    "content fields of parts": lambda: filled(MIXED, b"--b\n" + b"content-type:;a=b\n" * 100 + b"\nx\n"),
    "one endless line": lambda: b"x" * MAIL,
    "one endless name": lambda: b"Subject: x\n" + b"y" * MAIL,
    "1,000 levels": lambda: nested(1_000),
    "10,000 levels": lambda: nested(10_000),
    "levels without an end": lambda: nested(1_000, is_closed=False),
    "levels and many lines": lambda: filled(nested(999, is_closed=False), b"\n--b0x"),
    "one boundary for all levels": lambda: b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n' * 1_000,
    "100,000 parts": lambda: MIXED + b"--b\n\nx\n" * 100_000 + b"--b--\n",
    "attachments": lambda: MIXED + b"--b\nContent-Type: a/b; name=x\n\nx\n" * 100_000 + b"--b--\n",
    "parts without number": lambda: filled(MIXED, b"--b\n"),
    "parts without a boundary": lambda: filled(MIXED, b"--b\nContent-Type: multipart/mixed\n\n"),
    "lines like boundaries": lambda: filled(MIXED, b"--x\n"),
    "boundary with a colon": lambda: filled(b'Content-Type: multipart/mixed; boundary="b:"\n\n', b"--b:\n"),
    "nested divs": lambda: HTML + b"<div>" * 20_000,
    "much HTML": lambda: filled(HTML, b"<b>x"),
    "tags without an end": lambda: filled(HTML, b"<a "),
    "tags in quotes": lambda: filled(HTML, b"<a b='"),
    "comments without an end": lambda: filled(HTML, b"<!-- "),
    "scripts without an end": lambda: filled(HTML, b"<script>"),
    "references": lambda: filled(HTML, b"&amp;&#1;&x"),
    "a long reference": lambda: filled(HTML + b"&#", b"9"),
    "empty lines": lambda: filled(b"Subject: x\n\n", b"\n"),
    "empty lines with CR": lambda: filled(b"Subject: x\n\n", b"\r\n"),
    "empty lines in parts": lambda: filled(MIXED, b"\n"),
    "lines of two letters": lambda: filled(b"Subject: x\n\n", b"ab\n"),
    "flowed lines": lambda: filled(b"Content-Type: text/plain; format=flowed\n\n", b"a \n"),
    "quoted flowed lines": lambda: filled(b"Content-Type: text/plain; format=flowed\n\n", b">>>>\n"),
    "one attachment": lambda: filled(
        MIXED + b"--b\nContent-Type: a/b\n" + BASE64, b64encode(b"x" * 57) + b"\n", b"\n--b--\n"
    ),
    "junk in base64": lambda: filled(BASE64, b"\\A\n"),
    "words in base64": lambda: filled(BASE64, b"AAAA BBBB\n"),
    "junk lines in base64": lambda: filled(BASE64, b"A\n!\n"),
    "padding in base64": lambda: filled(BASE64, b"AAAA="),
    "quoted-printable": lambda: filled(b"Content-Transfer-Encoding: quoted-printable\n\n", b"=C3=A9=\n"),
    "blanks in quoted-printable": lambda: filled(b"Content-Transfer-Encoding: quoted-printable\n\n", b"= "),
    "uuencode": lambda: filled(b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n", b"!00  \n"),
    "latin-1": lambda: filled(b"Content-Type: text/plain; charset=latin1\n\n", b"\xe9"),
    "no charset": lambda: filled(b"Subject: x\n\n", "é".encode()) + b"\xff",
    "a letter of four octets": lambda: filled(b"Content-Type: text/html\n\n", b"<p>x", "\U0001f600".encode()),
    "japanese": lambda: filled(b"Content-Type: text/plain; charset=iso-2022-jp\n\n", b'\x1b$B$"\x1b(B'),
    **{f"nothing in {name}": partial(undecodable, name, octets) for name, octets in UNDECODABLE.items()},
    "NUL": lambda: filled(b"Subject: x\n\n", b"\0"),
}


def read(name: str) -> str:
    """What reading a bomb took: seconds of the processor, octets of memory, and what came of it."""
    from inbox.mime.message import message

    octets = BOMBS[name]()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    start = time.process_time()
    found = message(octets)
    snippet = found.snippet
    taken = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return f"{taken:.2f} {peak} {len(found.parts)} {len(found.text)} {len(snippet)} {found.subject[:20]!a}"


if __name__ == "__main__":
    print(read(sys.argv[1]))
