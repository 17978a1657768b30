"""The users file: one name a line, each the name of a mailbox.

Knows nothing about mailboxes, nor what an address looks like.
"""

import logging
import re
from collections.abc import Container, Iterator
from pathlib import Path

log = logging.getLogger("carteiro.storage")

MAX_NAME = 64
"""Longest name, in octets (RFC 5321 section 4.5.3.1.1: a local-part)."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some editors put at the beginning of a text."""

_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")

_PLAIN = re.compile(rb"[a-z0-9_-][a-z0-9._-]{0,63}")


class UsersFileError(Exception):
    """The users file cannot be used. The text is one line: where, what is wrong, and what to do."""


class Users:
    """The names in a users file, lower-cased (ASCII only: names that differ in other letters are different mailboxes).

    `catch_all` is the mailbox for unknown names. `postmaster` is the mailbox for the name postmaster, whether or not the
    file has that name. Both are compared like all names. Raises UsersFileError if the file cannot be read, holds no name,
    lacks one of these two, or holds a name that cannot be a mailbox's.
    """

    def __init__(self, path: Path, catch_all: str | None = None, postmaster: str | None = None) -> None:
        self._path = path
        self._flags = {"--catch-all": catch_all, "--postmaster": postmaster}
        self.reread()

    def reread(self) -> None:
        """Reads the file again. If it raises UsersFileError, the names stay as they were."""
        names = _read(self._path)
        given = {flag: self._given(flag, names) for flag in self._flags}
        self._catch_all, self._postmaster = given["--catch-all"], given["--postmaster"]
        self.first = next(iter(names)).decode()
        """The mailbox of the file's first name: the postmaster's if no other is given."""
        self._names = frozenset(names)

    def _given(self, flag: str, names: Container[bytes]) -> str | None:
        """The mailbox that was named with a flag; None without the flag. Raises UsersFileError."""
        name = self._flags[flag]
        if name is None:
            return None
        found = folded(name.encode("utf-8", "surrogateescape"))
        if found not in names:
            raise UsersFileError(f"{self._path}: no user {name} in it: give {flag} one of its names")
        return found.decode()

    def find(self, name: bytes) -> str | None:
        """The mailbox for a name in lower case: its own, the postmaster's or the catch-all's; None if there is none."""
        if name == b"postmaster" and self._postmaster:
            return self._postmaster
        return name.decode() if name in self._names else self._catch_all

    def __len__(self) -> int:
        return len(self._names)


def folded(name: bytes) -> bytes:
    """A name in the form in which names are compared."""
    return name.translate(_LOWER)


def has_control(text: str) -> bool:
    """Whether a text has a character that controls a terminal."""
    return any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text)


def _read(path: Path) -> dict[bytes, None]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsersFileError(f"{path}: {error.strerror}: give a text file with one user name a line") from error
    names: dict[bytes, None] = {}
    for where, name in _lines(path, content.removeprefix(BYTE_ORDER_MARK)):
        if name in names:
            log.warning("%s: %s is listed twice: both lines are one mailbox, remove one", where, name.decode())
        names[name] = None
    if not names:
        raise UsersFileError(f"{path}: no names in it: write one user name a line")
    return names


def _lines(path: Path, content: bytes) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(content.split(b"\n"), 1):
        name = folded(line.strip(b" \t\r"))
        if name:
            where = f"{path}:{number}"
            flaw = flaw_of(name)
            if flaw:
                raise UsersFileError(f"{where}: {name[:MAX_NAME]!r} {flaw}: correct or remove this line")
            if name.startswith(b"#"):
                log.warning(
                    "%s: %s is a mailbox: there are no comments here, remove the line if it is one", where, name.decode()
                )
            yield where, name


def flaw_of(name: bytes) -> str:
    """Why a name, in the form in which names are compared, cannot be a mailbox's; "" if it can."""
    if _PLAIN.fullmatch(name):  # nearly all names match, and a million must be read fast
        return ""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    if b"@" in name:
        return "has an @, write only what stands before it"
    if b"<" in name or b">" in name:
        return "has an angle bracket"
    if b"/" in name:
        return "has a slash"
    if name.startswith(b"."):
        return "begins with a dot"
    if has_control(text):
        return "has a control character"
    if any(c.isspace() for c in text):
        return "has a blank in it"
    if len(name) > MAX_NAME:
        return f"is longer than {MAX_NAME} octets"
    return ""
