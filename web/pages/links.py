"""Addresses of pages, and addresses of the web in plain text. Knows nothing about what is at them."""

import re
from typing import NamedTuple
from urllib.parse import quote, urlencode

from ..request import Request

_WEB = re.compile(r"https?://[^\s<>\"'\x00-\x20\u200b-\u200f\u202a-\u202e\u2066-\u2069]{1,2000}", re.IGNORECASE)
_ENDS = ".,;:!?"
"""What stands behind an address at the end of a sentence."""


class Piece(NamedTuple):
    """A piece of a text, and whether it is an address."""

    text: str
    is_link: bool


def base_of(request: Request) -> str:
    """What all links in the sight of the request begin with, encoded."""
    return quote(request.base)


def root_of(request: Request) -> str:
    """What links begin with that lead to all mailboxes, and to what is the same for all."""
    return quote(request.base.rpartition("/mailbox/")[0] if "/mailbox/" in request.base else request.base)


def list_address(base: str, query: str | None, start: int = 0, **more: str) -> str:
    """The address of a list."""
    fields = {**({} if query is None else {"query": query}), **({"start": str(start)} if start else {}), **more}
    return f"{base}/{'' if query is None else 'search'}{'?' if fields else ''}{urlencode(fields)}"


def linked(text: str) -> list[Piece]:
    """A text in pieces. An address ends before a closing bracket that does not open in it, and before a full stop."""
    pieces: list[Piece] = []
    end = 0
    for match in _WEB.finditer(text):
        address = _trimmed(match[0])
        if match.start() > end:
            pieces.append(Piece(text[end : match.start()], False))
        pieces.append(Piece(address, True))
        end = match.start() + len(address)
    return [*pieces, Piece(text[end:], False)] if end < len(text) else pieces


def _trimmed(address: str) -> str:
    while True:
        before = address.rstrip(_ENDS)
        if before[-1:] in (")", "]") and before.count(before[-1]) > before.count("(["[before[-1] == "]"]):
            before = before[:-1]
        if before == address:
            return address
        address = before
