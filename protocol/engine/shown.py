"""How octets that a client has sent stand in the log: on one line, without a character that a terminal obeys.

It does not know what may be shown.
"""

from functools import lru_cache

MOST = 998
"""Octets that are shown at once: what is longer ends in "..."."""


@lru_cache(maxsize=1024)
def shown(octets: bytes) -> str:
    """As text, what is no printable character as `\\x1b` or `\\u2028`, and a backslash as two."""
    text = octets[:MOST].decode("utf-8", "backslashreplace")
    if "\\" in text or not text.isprintable():
        text = "".join(map(_character, text))
    return text + "..." * (len(octets) > MOST)


@lru_cache(maxsize=1024)
def quoted(octets: bytes) -> str:
    """The same between quotes, in which no other quote stands as it is."""
    return "'" + shown(octets).replace("'", "\\'") + "'"


@lru_cache(maxsize=1024)
def bracketed(octets: bytes) -> str:
    """The same between angle brackets, of which no closing one stands in it as it is."""
    return "<" + shown(octets).replace(">", "\\x3e") + ">"


def _character(character: str) -> str:
    if character == "\\":
        return "\\\\"
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
