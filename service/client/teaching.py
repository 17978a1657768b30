"""`bin/smtpc --check`: reads a transcript, and prints what a lawful server would have said.

Knows nothing about what is lawful.
"""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from conformance.lessons import Lesson, lessons
from conformance.transcripts import entries
from conformance.ways import Grade

from ..output import say

WIDTH = 100
"""Columns that a line of explanation fills."""

MARKS = {
    Grade.RIGHT: "right",
    Grade.NOTE: "may be",
    Grade.CODE: "other code",
    Grade.SHOULD: "should not",
    Grade.MUST: "wrong",
}
_SHOWN = 3
"""Lines of a message that are shown, and of a reply."""


def check(name: str) -> int:
    """Checks the transcript in a file ("-": standard input); returns the exit code: 1 if the server was wrong somewhere."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(errors="backslashreplace")
        found = lessons(entries(text))
    except OSError as error:
        print(f"smtpc: {name}: {error.strerror}: give a file with a transcript, or - for standard input", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"smtpc: {name}: {error}", file=sys.stderr)
        return 2
    wrong = sum(lesson.grade in (Grade.MUST, Grade.SHOULD) for lesson in found)
    say("smtpc", "\n".join([*(line for lesson in found for line in _lines(lesson)), _sum(found, wrong)]))
    return 1 if wrong else 0


def _lines(lesson: Lesson) -> Iterator[str]:
    for mark, lines in (("C", lesson.said), ("S", lesson.heard)):
        shown = [*lines[: _SHOWN - 1], f"... ({len(lines) - _SHOWN} more)", lines[-1]] if len(lines) > _SHOWN + 1 else lines
        yield from (f"{mark}: {_printable(line)}" for line in shown)
    begin = (
        f"   {'a lawful server says' if not lesson.heard and lesson.grade is Grade.RIGHT else MARKS[lesson.grade] + ':'} "
    )
    yield from textwrap.wrap(begin + lesson.words, WIDTH, subsequent_indent="   ", break_on_hyphens=False)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _sum(found: list[Lesson], wrong: int) -> str:
    if not any(lesson.heard for lesson in found):
        return f"{len(found)} commands: no reply stands here; these would be lawful"
    return f"{len(found)} replies: {len(found) - wrong} lawful, {wrong} not"
