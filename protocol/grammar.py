"""The grammar of RFC 5321: a command line becomes a verb and its argument, or the Reply that refuses its syntax.

It does not know whether the verb is allowed now, nor who exists.
"""

import re
from binascii import Error, a2b_base64
from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address
from typing import Any, NamedTuple

from .replies import (
    NOT_ENCODED,
    PARAMETER_SYNTAX,
    RECIPIENT_SYNTAX,
    SENDER_SYNTAX,
    SYNTAX,
    UNKNOWN_MECHANISM,
    UNRECOGNIZED,
    Reply,
)
from .table import Verb

MAX_LINE = 12_288
"""Longest line in octets, its line end not counted: what RFC 4954 section 4 asks for, and far more than RFC 5321 does."""

MAX_PATH = 512
"""Longest path in octets, its source route included: twice what RFC 5321 section 4.5.3.1.3 asks for."""

MAX_DOMAIN = 255
"""Longest domain in octets (RFC 5321 section 4.5.3.1.2)."""

# A blank after FROM: and TO: is outside the grammar, but so common that it is taken; and blanks before the line end
# (RFC 5321 section 4.1.1). Octets from 80 on are UTF-8, as RFC 6531 section 3.3 extends these rules.
_ATEXT = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+"
_DOT_STRING = rb"%b(?:\.%b)*" % (_ATEXT, _ATEXT)
_QUOTED_STRING = rb'"(?:[\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\x20-\x7e])*"'
_LOCAL_PART = rb"(?:%b|%b)" % (_DOT_STRING, _QUOTED_STRING)
_SUB_DOMAIN = rb"[A-Za-z0-9\x80-\xff](?:[A-Za-z0-9\x80-\xff-]{0,61}[A-Za-z0-9\x80-\xff])?"
_DOMAIN = rb"%b(?:\.%b)*" % (_SUB_DOMAIN, _SUB_DOMAIN)
_LITERAL = rb"\[[\x21-\x5a\x5e-\x7e]+\]"
_MAILBOX = rb"(%b)@(%b|%b)" % (_LOCAL_PART, _DOMAIN, _LITERAL)
_SOURCE_ROUTE = rb"(?:@%b(?:,@%b)*:)?" % (_DOMAIN, _DOMAIN)
_PARAMETERS = rb"((?: +[^ ]+)*)"

_WORD = re.compile(rb"[^ ]+")

_PATH = re.compile(rb"<%b%b>" % (_SOURCE_ROUTE, _MAILBOX))
# Each in one expression, since most lines of a dialogue are these: path, local-part, domain, parameters.
_REVERSE = re.compile(rb" ?(<(?:%b%b)?>)%b" % (_SOURCE_ROUTE, _MAILBOX, _PARAMETERS))
_FORWARD = re.compile(rb" ?(<(?:%b%b|(?i:postmaster))>)%b" % (_SOURCE_ROUTE, _MAILBOX, _PARAMETERS))
_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\x80-\xff]+))?")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_MOST_GROUPS = 6
"""Of an IPv6 address beside its "::", which stands for two or more."""
_CLIENT = re.compile(rb"[\x21-\x7e\x80-\xff]{1,%d}" % MAX_DOMAIN)
_TEXT = re.compile(rb"[\x20-\x7e\x80-\xff\t]*")
_CHUNK = re.compile(rb"(\d+)(?: +(.*))?", re.DOTALL)
_MOST_DIGITS = 20
_AUTH = re.compile(rb"([A-Za-z0-9_-]{1,20})(?: +([A-Za-z0-9+/=]+))?")


class Path(NamedTuple):
    """A reverse-path or forward-path (RFC 5321 section 4.1.2). The null reverse-path has neither part.

    `text` is how it was written, without angle brackets and source route; `local_part` is without quotes; `domain` is in
    lower case, and empty for `<Postmaster>`. One that is not `is_ascii`, source route and all, needs SMTPUTF8.
    """

    text: bytes
    local_part: bytes = b""
    domain: bytes = b""
    is_ascii: bool = True


class Envelope(NamedTuple):
    """The argument of MAIL and RCPT; keywords of parameters are in upper case, and a value is None when there is none."""

    path: Path
    parameters: dict[bytes, bytes | None]


class Chunk(NamedTuple):
    """The argument of BDAT (RFC 3030 section 2): so many octets follow the line, even when there is a flaw in the rest."""

    size: int
    flaw: Reply | None = None


class Auth(NamedTuple):
    """The argument of AUTH (RFC 4954 section 4): a mechanism, and the initial response, if it came with it."""

    mechanism: bytes
    response: bytes | None


Argument = bytes | Envelope | Chunk | Auth | Reply


def parse_esmtp(line: bytes) -> tuple[Verb, Argument]:
    """The verb that a line (without its CRLF) begins with, and its argument, or the refusing Reply in its place."""
    if len(line) > MAX_LINE:
        return Verb.OTHER, UNRECOGNIZED
    word, _, rest = line.rstrip(b" \t").partition(b" ")
    verb, parse = _COMMANDS.get(word.upper(), _NONE)
    return parse(rest.lstrip(b" ")) if verb is None else (verb, parse(rest.lstrip(b" ")))


def mailbox_of(text: bytes) -> Path | None:
    """The path `<A@B>`, or None where that is outside the grammar."""
    match = _PATH.fullmatch(text)
    return _path(text, match[1], match[2]) if match else None


def _path(text: bytes, local_part: bytes, domain: bytes) -> Path | None:
    """The path with these parts, source route and all, or None where more than its characters is wrong."""
    is_ascii = text.isascii()
    if (
        len(text) > MAX_PATH
        or len(domain) > MAX_DOMAIN
        or not (is_ascii or _is_utf8(text))
        or (domain[0] == _BRACKET and not _is_sound(domain))
    ):
        return None
    written = b"%b@%b" % (local_part, domain)
    if local_part[0] == _QUOTE:
        local_part = re.sub(rb"\\(.)", rb"\1", local_part[1:-1])
    return Path(written, local_part, domain.lower(), is_ascii)


_BRACKET, _QUOTE = b'["'


def _is_utf8(text: bytes) -> bool:
    """Whether it is UTF-8 without what some programs take for a control character or a line end."""
    try:
        return not _CONTROL.search(text.decode())
    except UnicodeDecodeError:
        return False


_CONTROL = re.compile("[\x80-\x9f\u2028\u2029]")


def _is_sound(domain: bytes) -> bool:
    """Whether an address literal is one."""
    literal = domain[1:-1].decode("latin-1")
    if literal[:5].upper() != "IPV6:":
        return _IPV4.fullmatch(literal) is not None and max(map(int, literal.split("."))) <= 255
    try:
        IPv6Address(literal[5:])
    except AddressValueError:
        return False
    groups = sum(2 if "." in group else 1 for group in literal[5:].split(":") if group)
    return "%" not in literal and ("::" not in literal or groups <= _MOST_GROUPS)


def _words(pattern: "re.Pattern[bytes]", refusal: Reply) -> Callable[[bytes], bytes | Reply]:
    def parse(text: bytes) -> bytes | Reply:
        return text if pattern.fullmatch(text) else refusal

    return parse


def _mail(text: bytes) -> Envelope | Reply:
    if text[:5].upper() != b"FROM:":
        return SYNTAX.about(b"MAIL FROM:<address>")
    return _envelope(_REVERSE.fullmatch(text, 5), b"", SENDER_SYNTAX)


def _rcpt(text: bytes) -> Envelope | Reply:
    if text[:3].upper() != b"TO:":
        return SYNTAX.about(b"RCPT TO:<address>")
    return _envelope(_FORWARD.fullmatch(text, 3), b"postmaster", RECIPIENT_SYNTAX)


def _envelope(match: "re.Match[bytes] | None", alone: bytes, refusal: Reply) -> Envelope | Reply:
    """`alone` is the local-part of a path that has no mailbox."""
    if match is None:
        return refusal
    text, local_part, domain, words = match.groups()
    path = Path(text[1:-1], alone) if local_part is None else _path(text, local_part, domain)
    if path is None:
        return refusal
    parameters = _parameters(words) if words else _NO_PARAMETERS
    return PARAMETER_SYNTAX if parameters is None else Envelope(path, parameters)


_NO_PARAMETERS: dict[bytes, bytes | None] = {}


def _parameters(words: bytes) -> dict[bytes, bytes | None] | None:
    """None: they are outside the grammar."""
    parameters: dict[bytes, bytes | None] = {}
    for word in _WORD.findall(words):
        parameter = _PARAMETER.fullmatch(word)
        if parameter is None or parameter[1].upper() in parameters:
            return None
        parameters[parameter[1].upper()] = parameter[2]
    return parameters


def _bdat(text: bytes) -> tuple[Verb, Chunk | Reply]:
    match, flaw = _CHUNK.fullmatch(text), SYNTAX.about(b"BDAT size [LAST]")
    if match is None or len(match[1].lstrip(b"0")) > _MOST_DIGITS:
        return Verb.BDAT, flaw
    size = int(match[1].lstrip(b"0") or b"0")
    if match[2] is None:
        return Verb.BDAT, Chunk(size)
    return (Verb.LAST, Chunk(size)) if match[2].upper() == b"LAST" else (Verb.BDAT, Chunk(size, flaw))


def _auth(text: bytes) -> tuple[Verb, Auth | Reply]:
    """PROOF when nothing is left to be asked for, which depends on the mechanism."""
    match = _AUTH.fullmatch(text)
    if match is None:
        return Verb.AUTH, SYNTAX.about(b"AUTH mechanism [initial-response]")
    mechanism = match[1].upper()
    if mechanism not in MECHANISMS:
        return Verb.AUTH, UNKNOWN_MECHANISM
    response = None if match[2] is None else b"" if match[2] == b"=" else decoded(match[2])
    if isinstance(response, Reply):
        return Verb.AUTH, response
    is_all = mechanism == b"PLAIN" and response is not None
    return Verb.PROOF if is_all else Verb.AUTH, Auth(mechanism, response)


MECHANISMS = (b"PLAIN", b"LOGIN")


def decoded(text: bytes) -> bytes | Reply:
    """What stands in base64 (RFC 4648 section 4), and nothing else, in a text."""
    try:
        return a2b_base64(text, strict_mode=True)
    except Error:
        return NOT_ENCODED


_NOTHING = re.compile(rb"")
_ARGUMENTS: dict[Verb, Callable[[bytes], Argument]] = {
    Verb.EHLO: _words(_CLIENT, SYNTAX.about(b"EHLO name")),
    Verb.HELO: _words(_CLIENT, SYNTAX.about(b"HELO name")),
    Verb.MAIL: _mail,
    Verb.RCPT: _rcpt,
    Verb.DATA: _words(_NOTHING, SYNTAX.about(b"DATA")),
    Verb.RSET: _words(_NOTHING, SYNTAX.about(b"RSET")),
    Verb.NOOP: _words(_TEXT, SYNTAX.about(b"NOOP")),
    Verb.HELP: _words(_TEXT, SYNTAX.about(b"HELP")),
    Verb.VRFY: _words(re.compile(rb"[\x20-\x7e\x80-\xff]+"), SYNTAX.about(b"VRFY address")),
    Verb.EXPN: _words(re.compile(rb"[\x20-\x7e\x80-\xff]+"), SYNTAX.about(b"EXPN list")),
    Verb.STARTTLS: _words(_NOTHING, SYNTAX.about(b"STARTTLS")),
    Verb.QUIT: _words(_NOTHING, SYNTAX.about(b"QUIT")),
}
_COMMANDS: dict[bytes, tuple[Verb | None, Callable[[bytes], Any]]] = {
    verb.name.encode(): (verb, parse) for verb, parse in _ARGUMENTS.items()
} | {b"BDAT": (None, _bdat), b"AUTH": (None, _auth)}
_NONE: tuple[Verb | None, Callable[[bytes], Any]] = (Verb.OTHER, lambda _: UNRECOGNIZED)
