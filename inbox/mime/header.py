"""The header of a mail or of a part: its fields as they stand there.

Every field is cut at 16 KiB and a header has a bounded number of them, so that whatever is done with a field is soon done.
Knows nothing about what a field means.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

LONGEST_FIELD = 16 << 10
"""Octets of a field's value that are read."""

MOST_FIELDS = 10_000
"""Fields of a mail's header that are read."""

MOST_PART_FIELDS = 20
"""Fields of a part's header that are read, of those that say something of its content."""

_FIELD = re.compile(rb"(?!--)([!-9;-~]{1,998}+)[ \t]*+:([^\n]*+(?>(?:\n[ \t][^\n]*+)*))(?:\n|\Z)")
_CONTENT_FIELD = re.compile(rb"(?im)^(content-[a-z-]{1,40}+)[ \t]*+:([^\n]*+(?>(?:\n[ \t][^\n]*+)*))(?:\n|\Z)")
_FIELDS = re.compile(
    rb"(?>(?:(?!--)[!-9;-~]{1,998}+[ \t]*+:[^\n]*+(?:\n|\Z)"
    rb"(?:[ \t][^\n]*+(?:\n|\Z))*+){1,1000})"  # whole, once begun
)
"""Up to 1,000 fields: `re` keeps something of each."""
_BLANK_LINE = re.compile(rb"[ \t]*+\r?+\n")
_SEPARATOR = re.compile(rb"From [^\n]*+\n")
_FOLD = re.compile(rb"\r?\n[ \t]*|\r")
_END_OF_A_LETTER = re.compile(rb"[\xc0-\xff][\x80-\xbf]{0,2}\Z")


class Field(NamedTuple):
    """A field of a header: its name, and its value on one line, in the octets that came."""

    name: str
    value: bytes
    is_cut: bool = False


class Header(NamedTuple):
    """The fields of a header in their order."""

    fields: tuple[Field, ...]
    end: int
    """Where the body begins."""

    def all(self, name: str) -> list[bytes]:
        """The values of all fields with a name, which is in lower case."""
        return [field.value for field in self.fields if field.name.lower() == name]

    def first(self, name: str) -> bytes:
        """The value of the first field with a name, which is in lower case; nothing if there is none."""
        return next((field.value for field in self.fields if field.name.lower() == name), b"")


def header_at(octets: bytes, start: int) -> Header:
    """The header of a mail, which begins at an offset. It ends with a blank line, or before the first line that is no field.

    A line that begins with `--` is none: it may be the boundary of a part.
    """
    separator = _SEPARATOR.match(octets, start)
    at = separator.end() if separator else start
    return _header(octets, at, _FIELD, MOST_FIELDS)


def part_header_at(octets: bytes, start: int) -> Header:
    """The header of a part, of which only the fields are read that say something of its content."""
    return _header(octets, start, _CONTENT_FIELD, MOST_PART_FIELDS)


def _header(octets: bytes, start: int, pattern: re.Pattern[bytes], most: int) -> Header:
    end = start
    while fields := _FIELDS.match(octets, end):
        end = fields.end()
    found = islice(pattern.finditer(octets, start, end), most)
    blank = _BLANK_LINE.match(octets, end)
    return Header(tuple(_field(match[1], match[2]) for match in found), blank.end() if blank else end)


def _field(name: bytes, value: bytes) -> Field:
    is_cut = len(value) > LONGEST_FIELD
    if is_cut:
        value = _END_OF_A_LETTER.sub(b"", value[:LONGEST_FIELD])
    return Field(name.decode("ascii"), unfolded(value), is_cut)


def unfolded(value: bytes) -> bytes:
    """A value on one line: each fold is one blank."""
    value = value.strip(b" \t\r\n")
    return _FOLD.sub(b" ", value) if b"\n" in value or b"\r" in value else value


def repeated(fields: Iterable[Field], names: Iterable[str]) -> list[str]:
    """Which of these names, in lower case, more than one field has."""
    present = [field.name.lower() for field in fields]
    return [name for name in names if present.count(name) > 1]
