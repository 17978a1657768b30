"""Content-Type, Content-Disposition and the like: a value, and parameters behind it (RFC 2045, RFC 2231).

It takes what senders really write: blanks without quotes, encoded words in quotes, names in pieces, empty ones, one name
twice (the first one counts). The time is linear in the field's length. Knows nothing about which parameters there are.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from .charsets import decoded
from .fields import raw_text, words_decoded

_VALUE = re.compile(r"[^;]*+")
_PARAMETER = re.compile(r';\s*+([^=;"\s]++)\s*+(?>(?:=\s*+("(?>(?:[^"\\]|\\.)*)"?+|[^;"]*+)[^;]*+)?)')
_ESCAPED = re.compile(r"\\(.)")
_WINDOWS_PATH = re.compile(r"[A-Za-z]:\\|\\\\\w")
_PIECE = re.compile(r"(.+?)\*(\d{1,4})(\*?)")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")

UNKNOWN_TYPE = "application/octet-stream"
"""The type of what has a type that cannot be one."""


class Valued(NamedTuple):
    """What a field says, in lower case, and its parameters by their names in lower case, decoded."""

    value: str
    parameters: Mapping[str, str]

    def parameter(self, name: str) -> str:
        """What it says, or nothing."""
        return self.parameters.get(name, "")


@lru_cache(maxsize=256)
def valued(field: bytes) -> Valued:
    """The value and the parameters of a field. Most mails have the same few."""
    if not field:
        return Valued("", {})
    text = raw_text(field)
    match = _VALUE.match(text)
    end = match.end() if match else 0
    if end == len(text):
        return Valued(text.lower(), {})
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for found in _PARAMETER.finditer(text, end):
        name, content = found[1].lower(), _unquoted((found[2] or "").strip())
        if piece := _PIECE.fullmatch(name):
            pieces.setdefault(piece[1], {}).setdefault(int(piece[2]), (content, bool(piece[3])))
        elif name.endswith("*"):
            pieces.setdefault(name[:-1], {}).setdefault(0, (content, True))
        else:
            plain.setdefault(name, words_decoded(content))
    joined = {name: _joined(numbered) for name, numbered in pieces.items()}
    return Valued(text[:end].strip().lower(), plain | {name: content for name, content in joined.items() if content})


def media_type(field: bytes, default: str) -> tuple[str, Valued]:
    """The type that a Content-Type names, in lower case, or the default if there is none; and its parameters.

    What cannot be a type is UNKNOWN_TYPE: none that is handed on can have a line end in it, or a blank.
    """
    content_type = valued(field)
    if not content_type.value:
        return default, content_type
    if content_type.value == "text":
        return "text/plain", content_type
    return content_type.value if _TYPE.fullmatch(content_type.value) else UNKNOWN_TYPE, content_type


def _unquoted(content: str) -> str:
    if not content.startswith('"'):
        return content
    content = content[1:-1] if content.endswith('"') and len(content) > 1 else content[1:]
    return content if _WINDOWS_PATH.match(content) else _ESCAPED.sub(r"\1", content)


def _joined(pieces: dict[int, tuple[str, bool]]) -> str:
    """The pieces of a parameter, from the first to the last that has no gap before it."""
    charset = ""
    octets = bytearray()
    number = 0
    while number in pieces:
        content, is_extended = pieces[number]
        if is_extended and number == 0 and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        octets += unquote_to_bytes(content) if is_extended else content.encode("utf-8")
        number += 1
    return words_decoded(raw_text(decoded(bytes(octets), charset).encode("utf-8")))
