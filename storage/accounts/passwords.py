"""The auth file: one `name:hash` a line. Checks whether a secret is the one from which a name's hash was made.

Knows nothing about mailboxes, nor where a secret comes from. No text from here contains any of the file's content.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from .users import BYTE_ORDER_MARK, folded, has_control

BCRYPT_LIMIT = 72
"""Octets of a secret that bcrypt uses."""

_ARGON2 = re.compile(
    rb"\$argon2(?:id|i|d)(?:\$v=(?:16|19))?\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,7})\$([^$]+)\$([^$]+)"
)
_BCRYPT = re.compile(rb"\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]")

_PACKAGES = {"argon2": "python3-argon2 (Debian) or argon2-cffi (PyPI)", "bcrypt": "python3-bcrypt (Debian) or bcrypt (PyPI)"}

_Check = Callable[[bytes, bytes], bool]
"""Whether a hash was made from a secret."""


class AuthFileError(Exception):
    """The auth file cannot be used. The text is one line: where, what is wrong, and what to do."""


class _Hash(NamedTuple):
    """A hash. `cost` is the part of its text that determines how long a check takes."""

    text: bytes
    cost: bytes
    is_of: _Check


class _Known(NamedTuple):
    """The content of a file. `typical` is a hash whose cost most of its hashes share."""

    hashes: dict[bytes, _Hash]
    typical: _Hash


class Passwords:
    """The names in an auth file, compared like those in the users file, with their hashes: argon2 or bcrypt.

    Ignores blank lines, and lines that begin with `#`. Imports only the libraries that the hashes need. Raises AuthFileError
    if the file cannot be read, holds no name, a name twice, or a hash that could never be checked. This asks for a secret
    and adds a line:

        python3 -c 'import argon2, getpass as g; print("jo:" + argon2.PasswordHasher().hash(g.getpass()))' >> auth.txt
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path)

    def reread(self) -> None:
        """Reads the file again. If it raises AuthFileError, everything stays as it was."""
        self._known = _read(self._path)

    def check(self, name: bytes, secret: bytes) -> bool:
        """Whether this is the name's secret. Takes as long as the hash was made to take, for an unknown name too.

        That is tens of milliseconds, and MiB of memory. May run in any thread. Raises what the library raises if it lacks
        memory. A secret with NUL is always wrong; for bcrypt, so is one of more than 72 octets, of which it would ignore
        some.
        """
        if b"\0" in secret:
            return False
        known = self._known  # another thread may replace it
        own = known.hashes.get(folded(name))
        is_its = (own or known.typical).is_of
        return is_its((own or known.typical).text, secret) and own is not None

    def __len__(self) -> int:
        return len(self._known.hashes)


def _read(path: Path) -> _Known:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AuthFileError(f"{path}: {error.strerror}: give a text file with one name:hash a line") from error
    hashes: dict[bytes, _Hash] = {}
    lines: dict[bytes, int] = {}
    for number, line in enumerate(content.removeprefix(BYTE_ORDER_MARK).split(b"\n"), 1):
        text = line.strip(b" \t\r")
        if text and not text.startswith(b"#"):
            where = f"{path}:{number}"
            name, hash = _entry(where, text)
            if name in hashes:
                raise AuthFileError(f"{where}: the name of line {lines[name]} again: remove one of them")
            lines[name] = number
            hashes[name] = _hash(where, hash)
    if not hashes:
        raise AuthFileError(f"{path}: no names in it: write one name:hash a line")
    ((cost, _),) = Counter(hash.cost for hash in hashes.values()).most_common(1)
    return _Known(hashes, next(hash for hash in hashes.values() if hash.cost == cost))


def _entry(where: str, text: bytes) -> tuple[bytes, bytes]:
    """Name and hash of a line. Errors do not show the line: a hash may stand in the name's place."""
    name, colon, hash = text.partition(b":")
    name, hash = folded(name.rstrip(b" \t")), hash.lstrip(b" \t")
    try:
        has_flaw = has_control(name.decode())
    except UnicodeDecodeError:
        has_flaw = True
    if not colon:
        raise AuthFileError(f"{where}: no colon in it: write name:hash")
    if not name:
        raise AuthFileError(f"{where}: no name before the colon: write name:hash")
    if has_flaw:
        raise AuthFileError(f"{where}: a name with a control character, or not in UTF-8: correct or remove this line")
    return name, hash


def _hash(where: str, text: bytes) -> _Hash:
    if text.startswith((b"$argon2id$", b"$argon2i$", b"$argon2d$")):
        library, is_whole, is_of = "argon2", _is_argon2(text), _argon2
        cost = text.rsplit(b"$", 2)[0]
    elif text.startswith((b"$2a$", b"$2b$", b"$2y$")):
        library, is_whole, is_of = "bcrypt", bool(_BCRYPT.fullmatch(text)), _bcrypt
        cost = text[4:6]
    else:
        raise AuthFileError(f"{where}: a hash of an unknown kind, or none: make one with argon2 or bcrypt")
    if not is_whole:
        raise AuthFileError(f"{where}: a malformed {library} hash: write it again, or make a new one")
    try:
        import_module(library)
    except ImportError as error:
        raise AuthFileError(f"{where}: the library for {library} is missing: install {_PACKAGES[library]}") from error
    return _Hash(text, cost, is_of)


def _is_argon2(text: bytes) -> bool:
    """Whether the library would accept the hash, as far as can be told without computing (RFC 9106 section 3.1)."""
    match = _ARGON2.fullmatch(text)
    if not match:
        return False
    memory, passes, lanes = map(int, match.groups()[:3])
    salt, tag = _length(match[4]), _length(match[5])
    return 8 * lanes <= memory < 1 << 32 and passes < 1 << 32 and lanes < 1 << 24 and salt >= 8 and tag >= 4


def _length(text: bytes) -> int:
    """Octets encoded by a Base64 text without padding; 0 if it is not one."""
    try:
        octets = b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except NotBase64:
        return 0
    return len(octets) if b64encode(octets).rstrip(b"=") == text else 0


def _argon2(text: bytes, secret: bytes) -> bool:
    import argon2

    try:
        return argon2.PasswordHasher().verify(text, secret)
    except argon2.exceptions.VerifyMismatchError:
        return False


def _bcrypt(text: bytes, secret: bytes) -> bool:
    import bcrypt

    return bcrypt.checkpw(secret[:BCRYPT_LIMIT], text) and len(secret) <= BCRYPT_LIMIT
