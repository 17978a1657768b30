"""Escapes octets from a client for the log: they stay on one line and contain no terminal control characters.

Knows nothing about what is secret.
"""

from functools import lru_cache

MOST = 998
"""Longest text that is shown in full, in octets; a longer one is cut and ends in "..."."""


@lru_cache(maxsize=1024)
def shown(octets: bytes) -> str:
    """The octets as text. Unprintable characters become escapes such as `\\x1b` or `\\u2028`, a backslash becomes two."""
    text = octets[:MOST].decode("utf-8", "backslashreplace")
    if "\\" in text or not text.isprintable():
        text = "".join(map(_character, text))
    return text + "..." * (len(octets) > MOST)


@lru_cache(maxsize=1024)
def quoted(octets: bytes) -> str:
    """The octets as `shown` writes them, in single quotes; a quote inside is escaped."""
    return "'" + shown(octets).replace("'", "\\'") + "'"


@lru_cache(maxsize=1024)
def bracketed(octets: bytes) -> str:
    """The octets as `shown` writes them, in angle brackets; a closing bracket inside is escaped."""
    return "<" + shown(octets).replace(">", "\\x3e") + ">"


def _character(character: str) -> str:
    if character == "\\":
        return "\\\\"
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
