"""Text that says format=flowed (RFC 3676): lines that a sender broke, put together again.

Knows nothing about parts or charsets.
"""

import re
from collections.abc import Iterator

LONGEST = 1 << 20
"""Characters of a text in which lines are joined; what comes behind them stays as it is."""

_QUOTES = re.compile(r">*+")


def unflowed(text: str, is_space_deleted: bool) -> str:
    """The text with one line for each paragraph. `is_space_deleted` is the DelSp of its type.

    Lines end in LF. The line before a signature, `--`, is never joined with another.
    """
    end = len(text) if len(text) <= LONGEST else text.rfind("\n", 0, LONGEST)
    return "\n".join(_paragraphs(text[:end], is_space_deleted)) + text[end:] if end >= 0 else text


def _paragraphs(text: str, is_space_deleted: bool) -> Iterator[str]:
    waiting: list[str] = []
    waiting_depth = 0
    for line in text.split("\n"):
        match = _QUOTES.match(line)
        depth = match.end() if match else 0
        words = line[depth:].removeprefix(" ")
        is_signature = words.rstrip(" ") == "--"
        if waiting and (depth != waiting_depth or is_signature):
            yield _paragraph(waiting, waiting_depth)
            waiting = []
        if words.endswith(" ") and not is_signature:
            waiting.append(words[:-1] if is_space_deleted else words)
            waiting_depth = depth
        else:
            yield _paragraph([*waiting, "-- " if is_signature else words], depth)
            waiting = []
    if waiting:
        yield _paragraph(waiting, waiting_depth)


def _paragraph(lines: list[str], depth: int) -> str:
    text = "".join(lines)
    return f"{'>' * depth} {text}" if depth else text
