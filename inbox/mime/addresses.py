"""Lists of addresses in header fields (RFC 5322 section 3.4), and what senders write instead.

What can be told is told; if nothing can be told of a field, its text is a name without an address. The time is linear in
the field's length. Knows nothing about which fields have addresses.
"""

import re
from typing import NamedTuple

from .fields import raw_text, words_decoded

MOST_ADDRESSES = 5_000
"""Addresses of one kind of a mail that are read."""

MOST_OCTETS = 256 << 10
"""Octets of all fields of one kind that are read."""

_TOKEN = re.compile(
    r"""(?P<quoted>"(?>(?:[^"\\]|\\.)*)"?+)
    | <(?P<angle>(?>(?:"(?>(?:[^"\\]|\\.)*)"|[^"<>]++)*))>
    | <(?P<open>[^,<>;]*+)
    | (?P<mark>[,;:()])
    | (?P<text>[^"<,;:()\\>]++)
    | (?P<other>\\.?|>)""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")
_BLANKS = re.compile(r"\s+")


class Address(NamedTuple):
    """Whose, and where: the name as it is shown, and local-part@domain. Either may be empty."""

    name: str
    address: str


class _Mailbox:
    """What was read of one mailbox of a list so far."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.comments: list[str] = []
        self.angle = ""

    def address(self) -> Address | None:
        """What it comes to; None if it is nothing."""
        words, comment = " ".join("".join(self.words).split()), " ".join("".join(self.comments).split())
        if self.angle:
            return Address(words_decoded(words or comment), words_decoded(self.angle))
        if "@" not in words:
            return _nameless(words, words_decoded(comment))
        name, _, address = words.rpartition(" ")
        if (quote := words.find('"')) >= 0:  # of a local-part
            name, address = words[:quote].strip(), words[quote:]
        elif "@" not in address or address.startswith("@") or name.endswith("@"):
            name, address = "", words.replace(" ", "")
        return Address(words_decoded(name or comment), words_decoded(address))


def _nameless(words: str, comment: str) -> Address | None:
    """A word without a domain is a local-part; several are a name."""
    if not words:
        return None
    return Address(words_decoded(words), "") if " " in words or "=?" in words or '"' in words else Address(comment, words)


def addresses(values: list[bytes]) -> tuple[Address, ...]:
    """Those of all fields of a kind, in order."""
    found: list[Address] = []
    octets = 0
    for value in values:
        octets += len(value)
        if len(found) < MOST_ADDRESSES and octets <= MOST_OCTETS:
            found += _addresses(raw_text(value))
    return tuple(found[:MOST_ADDRESSES])


def _addresses(text: str) -> list[Address]:
    found: list[Address] = []
    mailbox, depth = _Mailbox(), 0
    for token in _TOKEN.finditer(text):
        mark = token["mark"]
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth = max(0, depth - 1)
        elif depth:
            mailbox.comments.append(token[0])
        elif mark:
            if mark != ":" and (address := mailbox.address()):
                found.append(address)
            mailbox = _Mailbox()
        else:
            _take(mailbox, token)
    if address := mailbox.address():
        found.append(address)
    return found or ([Address(words_decoded(text), "")] if text else [])


def _take(mailbox: _Mailbox, token: re.Match[str]) -> None:
    """A word of a mailbox, which is neither a mark nor in a comment."""
    if token["quoted"]:
        word = token["quoted"]
        is_local_part = token.string.startswith("@", token.end())
        mailbox.words.append(word if is_local_part else _unquoted(word))
    elif token["angle"] is not None or token["open"] is not None:
        inside = token["angle"] or token["open"] or ""
        route = inside if inside.startswith("@") else ""
        mailbox.angle = mailbox.angle or _BLANKS.sub("", inside[route.find(":") + 1 :])
    else:
        mailbox.words.append(token[0])


def _unquoted(word: str) -> str:
    word = word[1:-1] if word.endswith('"') and len(word) > 1 else word[1:]
    return _ESCAPED.sub(r"\1", word)
