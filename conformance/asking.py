"""Which column of the table a client's line belongs to.

Knows nothing about what is right there, or about replies.
"""

import re
from typing import NamedTuple

from .places import Command

C = Command
_NAMED = (C.EHLO, C.HELO, C.NOOP, C.HELP, C.VRFY, C.EXPN, C.RSET, C.QUIT, C.MAIL, C.RCPT, C.DATA, C.BDAT, C.STARTTLS, C.AUTH)
_WORDS = {command.value: command for command in _NAMED} | {"LHLO": C.EHLO}
_WITH_ARGUMENT = {C.RSET: C.RSET_X, C.QUIT: C.QUIT_X, C.DATA: C.DATA_X}
_ATOM, _LABEL = r"[\w!#$%&'*+/=?^`{|}~-]+", r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_BOX = rf'(?:{_ATOM}(?:\.{_ATOM})*|"[^"\\]*")@{_LABEL}(?:\.{_LABEL})*'
_RIGHT = {
    C.MAIL: re.compile(rf"FROM:<(?:{_BOX})?>( +\S.*)?", re.I | re.A),
    C.RCPT: re.compile(rf"TO:<(?:{_BOX}|postmaster)>( +\S.*)?", re.I | re.A),
}
_READABLE = {C.MAIL: re.compile(r"FROM: *\S+.*", re.I), C.RCPT: re.compile(r"TO: *[^\s<>]+.*|TO: *<[^<>]+>.*", re.I)}
_BAD = {C.MAIL: C.MAIL_BAD, C.RCPT: C.RCPT_BAD}
_NEED_ARGUMENT = (C.VRFY, C.EXPN, C.AUTH, C.BDAT)
_LONGEST = 510
"""Octets of a line that every server takes, without its CRLF (RFC 5321 section 4.5.3.1.4)."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]|\\x[01]")
_CHUNK = re.compile(r"(\d{1,20})( +LAST)?", re.I)


class Asked(NamedTuple):
    """A command that waits for its reply.

    `octets`: how many follow the line. `is_odd`: it is against the grammar in a way that servers may take, or refuse: a path
    without brackets, an argument that is missing or too much, control characters, more octets than a server must take.
    `has_parameters`: something stands behind the path. `number`: of the line in the transcript.
    """

    text: str
    command: Command
    number: int
    octets: int = 0
    is_odd: bool = False
    has_parameters: bool = False


def asked(text: str, number: int, mechanisms: frozenset[str]) -> Asked:
    """What a line asks for. `mechanisms`: those of AUTH that are offered."""
    found = _asked(text, number, mechanisms)
    is_odd = len(text.encode()) > _LONGEST or bool(_CONTROL.search(text))
    return found._replace(is_odd=True) if is_odd else found


def _asked(text: str, number: int, mechanisms: frozenset[str]) -> Asked:
    word, _, argument = text.replace("\t", " ").strip().partition(" ")
    argument = argument.strip()
    command = _WORDS.get(word.upper())
    if command is None:
        return Asked(text, {"": C.EMPTY, ".": C.DOT}.get(text.strip(), C.UNKNOWN), number)
    if command in (C.EHLO, C.HELO):
        return Asked(text, command if argument else C.EHLO_BARE, number)
    if command in _BAD:
        return _path(text, command, argument, number)
    if command is C.BDAT:
        match = _CHUNK.fullmatch(argument)
        return Asked(text, C.LAST if match and match[2] else C.BDAT, number, int(match[1]) if match else 0, match is None)
    if (command in _NEED_ARGUMENT and not argument) or (command is C.STARTTLS and argument):
        return Asked(text, command, number, is_odd=True)
    if command is C.AUTH and argument.partition(" ")[0].upper() not in mechanisms:
        return Asked(text, C.AUTH_UNKNOWN, number)
    if command is C.NOOP and word == "noop":
        return Asked(text, C.NOOP_SMALL, number)
    return Asked(text, _WITH_ARGUMENT.get(command, command) if argument else command, number)


def _path(text: str, command: Command, argument: str, number: int) -> Asked:
    match = _RIGHT[command].fullmatch(argument)
    if match:
        return Asked(text, command, number, has_parameters=bool(match[1]))
    is_readable = bool(_READABLE[command].fullmatch(argument))
    return Asked(text, command if is_readable else _BAD[command], number, is_odd=is_readable)
