"""Names for files that a mail proposes.

Only a proposal: nothing is ever written under such a name. Knows nothing about where a name stood in the mail.
"""

import re

LONGEST = 200
"""Characters of a name."""

_LONGEST_ENDING = 20
_UNWANTED = re.compile(r'[\x00-\x1f\x7f-\x9f"<>\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+')
"""Control characters, those that turn the direction of writing among them (`exe.txt` that ends in `.exe`), and quotes."""


def file_name(proposed: str) -> str:
    """The last component of the proposed name, without what could mislead a reader or a program. It may be empty."""
    if not proposed:
        return ""
    name = _UNWANTED.sub("", re.split(r"[/\\]", proposed)[-1]).strip().strip(".").strip()
    stem, dot, ending = name.rpartition(".")
    if len(name) > LONGEST and dot and len(ending) < _LONGEST_ENDING:
        return f"{stem[: LONGEST - 1 - len(ending)]}.{ending}"
    return name[:LONGEST]
