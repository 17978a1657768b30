"""Reverse-paths and forward-paths (RFC 5321 section 4.1.2): those of the grammar, and those that clients really send.

Knows nothing about the command that a path belongs to, or about which mailboxes exist.
"""

import re
from typing import NamedTuple

from . import domains
from .domains import DOMAIN, LITERAL
from .tolerance import Tolerance

MAX_PATH = 512
"""Longest path in octets, source route included: twice what RFC 5321 section 4.5.3.1.3 requires."""

_ATEXT = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+"
_DOT_STRING = rb"%b(?:\.%b)*" % (_ATEXT, _ATEXT)
_QUOTED_STRING = rb'"(?:[\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\x20-\x7e])*"'
_LOCAL_PART = rb"(?:%b|%b)" % (_DOT_STRING, _QUOTED_STRING)

SOURCE_ROUTE = rb"(?:@%b(?:,@%b)*:)?" % (DOMAIN, DOMAIN)
MAILBOX = rb"(%b)@(%b|%b)" % (_LOCAL_PART, DOMAIN, LITERAL)
"""Groups: local-part, domain."""

_LOCAL = re.compile(_LOCAL_PART)
_LENIENT_LOCAL = re.compile(_ATEXT.replace(b"[A", b"[.:A"))

_BLANKS = b" \t"
_QUOTES = rb'"(?>(?:[^"\\]|\\.)*)"'
_BRACKETED = re.compile(rb"<((?>(?:%b|[^<>\"])*))>" % _QUOTES, re.DOTALL)
_BARE = re.compile(rb"((?>(?:%b|[^ \t<>\"])+))" % _QUOTES, re.DOTALL)


class Path(NamedTuple):
    """A reverse-path or forward-path. The null reverse-path has neither part.

    `text` is the path as written, without angle brackets and source route. `local_part` has no quotes. `domain` is in
    canonical form (`domains.canonical`), or empty if there is none. `is_ascii` covers the source route, too; a path that is
    not ASCII needs SMTPUTF8.
    """

    text: bytes
    local_part: bytes = b""
    domain: bytes = b""
    is_ascii: bool = True


class Found(NamedTuple):
    """A path found at the beginning of a text, what was tolerated in it, and the rest of the text."""

    path: Path
    tolerated: tuple[Tolerance, ...]
    rest: bytes


def sound(text: bytes, local_part: bytes, domain: bytes) -> Path | None:
    """Makes a path of parts that match the grammar; `text` is all of it, source route included.

    None: it is too long, not UTF-8, or its domain is invalid.
    """
    is_ascii = text.isascii()
    if len(text) > MAX_PATH or not (is_ascii or domains.is_sound_utf8(text)) or domains.flaws(domain) is None:
        return None
    return Path(b"%b@%b" % (local_part, domain), _unquoted(local_part), domains.canonical(domain), is_ascii)


def find(text: bytes) -> Found | bytes:
    """Finds the path at the beginning of a text, in any form that is tolerated. Returns advice if there is none."""
    start = text.lstrip(_BLANKS)
    match = _BRACKETED.match(start) or _BARE.match(start)
    if not match:
        return b"write <user@host>"
    rest = start[match.end() :]
    if rest and rest[:1] not in (b" ", b"\t"):
        return b"write <user@host>, and a blank before what follows"
    inner = match[1].strip(_BLANKS)
    has_blanks = start != text or inner != match[1] or b"\t" in rest or b"  " in rest
    tolerated = (Tolerance.BLANKS,) * has_blanks + (Tolerance.NO_BRACKETS,) * (start[:1] != b"<")
    if not inner:
        return Found(Path(b""), tolerated, rest)
    route, path = _route(inner)
    read = _read(inner, path)
    return read if isinstance(read, bytes) else Found(read[0], tuple(dict.fromkeys(tolerated + route + read[1])), rest)


def _route(inner: bytes) -> tuple[tuple[Tolerance, ...], bytes]:
    """Splits off the source route: what is tolerated in it, and the text after it. Without a valid route, all the text."""
    if not inner.startswith(b"@"):
        return (), inner
    route, colon, path = inner.partition(b":")
    flaws: tuple[Tolerance, ...] = ()
    for domain in route.split(b","):
        found = domains.flaws(domain[1:]) if domain.startswith(b"@") and domain[1:2] != b"[" else None
        if found is None or not colon:
            return (), inner
        flaws += found
    return flaws, path


def _read(whole: bytes, written: bytes) -> tuple[Path, tuple[Tolerance, ...]] | bytes:
    """Parses a path without its source route (`whole` includes it). Returns advice if it is invalid."""
    local_part, at, domain = written.rpartition(b"@")
    if written.endswith(b'"') or not at:
        local_part, domain = written, b""
    tolerated = _local_flaws(local_part)
    if tolerated is None:
        return b"the local-part is malformed: write <user@host>"
    if len(whole) > MAX_PATH:
        return b"it has more than %d octets" % MAX_PATH
    if not (whole.isascii() or domains.is_sound_utf8(whole)):
        return b"it is not UTF-8"
    if not domain:
        if written.endswith(b"@"):
            return Tolerance.NO_DOMAIN.instead
        return Path(written, _unquoted(local_part), b"", whole.isascii()), (Tolerance.NO_DOMAIN, *tolerated)
    path = sound(whole, local_part, domain)
    return (path, tolerated + (domains.flaws(domain) or ())) if path else b"the domain is malformed"


def _local_flaws(local_part: bytes) -> tuple[Tolerance, ...] | None:
    if _LOCAL.fullmatch(local_part):
        return ()
    if not _LENIENT_LOCAL.fullmatch(local_part):
        return None
    has_dots = local_part[:1] == b"." or local_part[-1:] == b"." or b".." in local_part
    return (Tolerance.COLON,) * (b":" in local_part) + (Tolerance.DOTS,) * has_dots


def _unquoted(local_part: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", local_part[1:-1]) if local_part[:1] == b'"' else local_part
