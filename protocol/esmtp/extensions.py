"""The SMTP extensions: what EHLO lists, and what the parameters of MAIL ask for.

Knows nothing about the order of commands.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from ..engine import replies
from ..engine.environment import Site
from ..engine.replies import Reply
from ..mail.credentials import MECHANISMS
from .grammar import Envelope

EXTENSIONS = (
    "PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME", "HELP", "LIMITS",
    "STARTTLS", "AUTH",
)  # fmt: skip
"""The extensions of RFC 2920, 1870, 6152, 6531, 2034, 3030 (twice), 5321 (section 4.1.1.1), 9422, 3207 and 4954."""

_NEEDS = {"BINARYMIME": "CHUNKING", "SMTPUTF8": "8BITMIME"}
"""Extensions that require another one (RFC 3030 section 3, RFC 6531 section 3.1)."""

_COMMANDS = ("EHLO HELO MAIL RCPT DATA BDAT RSET", "NOOP HELP VRFY STARTTLS AUTH QUIT")
_COMMAND_OF = {"BDAT": "CHUNKING", "HELP": "HELP", "STARTTLS": "STARTTLS", "AUTH": "AUTH"}
"""What the reply to HELP lists, in lines, and the extensions that some of it belongs to. EXPN is never offered."""

_SIZE = re.compile(rb"\d{1,20}")
_AUTH = re.compile(rb"[!-~]+")


class Wish(NamedTuple):
    """What the parameters of MAIL ask for."""

    has_utf8: bool = False
    is_binary: bool = False


class Parameter(NamedTuple):
    """A parameter of MAIL: its extension, and what adds its value to what was asked for before, or refuses it."""

    extension: str
    take: Callable[[Site, bytes | None, Wish], Wish | Reply]


def offered(site: Site, is_secure: bool, is_authenticated: bool) -> list[bytes]:
    """The extensions for the reply to EHLO, a line each."""
    policy = site.policy
    words = {
        "SIZE": b"SIZE %d" % site.max_message_size,
        "LIMITS": b"LIMITS RCPTMAX=%d" % policy.max_recipients
        + b" MAILMAX=%d" % policy.max_messages * bool(policy.max_messages),
        "AUTH": b" ".join([b"AUTH", *MECHANISMS]),
    }
    may_ask = policy.authenticate and not is_authenticated and (is_secure or policy.authenticates_in_clear)
    now = {"STARTTLS": policy.has_tls and not is_secure and not is_authenticated, "AUTH": bool(may_ask)}
    return [words.get(name, name.encode()) for name in EXTENSIONS if now.get(name, True) and not is_hidden(site, name)]


def commands(site: Site) -> bytes:
    """The commands that this server has a use for, on lines for the reply to HELP."""
    policy = site.policy
    has = {"STARTTLS": policy.has_tls, "AUTH": policy.authenticate is not None}

    def is_of_use(word: str) -> bool:
        extension = _COMMAND_OF.get(word)
        return extension is None or (has.get(extension, True) and not is_hidden(site, extension))

    return "\n".join(" ".join(filter(is_of_use, line.split())) for line in _COMMANDS).encode()


def is_hidden(site: Site, name: str) -> bool:
    """Whether the operator has hidden this extension, or one that it requires."""
    return not site.policy.hidden.isdisjoint((name, _NEEDS.get(name, name)))


def wish(site: Site, envelope: Envelope) -> Wish | Reply:
    """What the parameters of MAIL ask for, or the reply that refuses it."""
    asked = Wish()
    for keyword, value in envelope.parameters.items():
        parameter = _PARAMETERS.get(keyword)
        found = parameter.take(site, value, asked) if parameter else replies.UNKNOWN_PARAMETER
        if isinstance(found, Reply):
            return found
        asked = found
    return asked


def _size(site: Site, value: bytes | None, asked: Wish) -> Wish | Reply:
    """The parameter SIZE (RFC 1870 section 6.1)."""
    if is_hidden(site, "SIZE"):
        return replies.UNKNOWN_PARAMETER
    if value is None or not _SIZE.fullmatch(value):
        return replies.PARAMETER_SYNTAX
    return asked if int(value) <= site.max_message_size else replies.MESSAGE_TOO_LARGE.about(site.max_message_size)


def _body(site: Site, value: bytes | None, asked: Wish) -> Wish | Reply:
    """The parameter BODY (RFC 6152 section 3, RFC 3030 section 3)."""
    kind = (value or b"").upper()
    if kind not in _BODIES:
        return replies.PARAMETER_SYNTAX
    if is_hidden(site, _BODIES[kind]):
        return replies.UNKNOWN_PARAMETER
    return asked._replace(is_binary=kind == b"BINARYMIME")


_BODIES = {b"7BIT": "8BITMIME", b"8BITMIME": "8BITMIME", b"BINARYMIME": "BINARYMIME"}


def _utf8(site: Site, value: bytes | None, asked: Wish) -> Wish | Reply:
    """The parameter SMTPUTF8 (RFC 6531 section 3.4)."""
    if is_hidden(site, "SMTPUTF8"):
        return replies.UNKNOWN_PARAMETER
    return asked._replace(has_utf8=True) if value is None else replies.PARAMETER_SYNTAX


def _auth(site: Site, value: bytes | None, asked: Wish) -> Wish | Reply:
    """The parameter AUTH (RFC 4954 section 5): its value is checked and then ignored."""
    if site.policy.authenticate is None or is_hidden(site, "AUTH"):
        return replies.UNKNOWN_PARAMETER
    return asked if value and _AUTH.fullmatch(value) else replies.PARAMETER_SYNTAX


_PARAMETERS = {
    b"SIZE": Parameter("SIZE", _size),
    b"BODY": Parameter("8BITMIME", _body),
    b"SMTPUTF8": Parameter("SMTPUTF8", _utf8),
    b"AUTH": Parameter("AUTH", _auth),
}


def extension_of(keyword: bytes, value: bytes | None) -> str | None:
    """The extension that a parameter of MAIL belongs to; None if no extension here has it."""
    if keyword == b"BODY" and (value or b"").upper() == b"BINARYMIME":
        return "BINARYMIME"
    parameter = _PARAMETERS.get(keyword)
    return parameter.extension if parameter else None
