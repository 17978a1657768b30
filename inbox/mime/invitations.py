"""Invitations: the events of an iCalendar text (RFC 5545), as far as a reader of mail wants to know.

Knows nothing about parts, repeated events or time zones: a time is told as it is written.
"""

import re
from typing import NamedTuple

LONGEST = 256 << 10
"""Characters of a calendar that are read."""

MOST_EVENTS = 100

_FOLD = re.compile(r"\n[ \t]")
_LINE = re.compile(r'([A-Za-z-]+)((?>(?:;(?>(?:[^":;]|"[^"]*")*))*)):(.*)')
_ZONE = re.compile(r';TZID="?([^";]*)', re.IGNORECASE)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_ESCAPED = re.compile(r"\\(.)")


class Event(NamedTuple):
    """An event. What is not said is empty; a time is as in `2026-12-01 14:00 Europe/Lisbon`."""

    method: str = ""
    """What the sender asks for, as REQUEST or CANCEL."""
    uid: str = ""
    summary: str = ""
    start: str = ""
    end: str = ""
    location: str = ""
    organizer: str = ""
    status: str = ""


_FIELDS = {"UID": "uid", "SUMMARY": "summary", "LOCATION": "location", "ORGANIZER": "organizer", "STATUS": "status"}
_TIMES = {"DTSTART": "start", "DTEND": "end"}


def events(calendar: str) -> tuple[Event, ...]:
    """The events of a calendar, whose lines end in LF."""
    method = ""
    found: list[Event] = []
    inside: list[str] = []
    for line in _FOLD.sub("", calendar[:LONGEST]).split("\n"):
        match = _LINE.fullmatch(line.strip())
        if not match:
            continue
        name, value = match[1].upper(), match[3].strip()
        if name == "BEGIN" and len(found) < MOST_EVENTS:
            inside.append(value.upper())
            if inside[-1] == "VEVENT":
                found.append(Event(method))
        elif name == "END" and inside:
            inside.pop()
        elif name == "METHOD":
            method = value.upper()
        elif inside[-1:] == ["VEVENT"]:
            found[-1] = _with(found[-1], name, match[2], value)
    return tuple(found)


def _with(event: Event, name: str, parameters: str, value: str) -> Event:
    """The event with one more of its properties. The first one of a name counts."""
    field = _FIELDS.get(name) or _TIMES.get(name)
    if not field or getattr(event, field):
        return event
    return event._replace(**{field: _time(parameters, value) if name in _TIMES else _text(value)})


def _text(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def _time(parameters: str, value: str) -> str:
    match = _TIME.fullmatch(value)
    if not match:
        return value
    zone = _ZONE.search(parameters)
    day = f"{match[1]}-{match[2]}-{match[3]}"
    if not match[4]:
        return day
    return f"{day} {match[4]}:{match[5]} {'UTC' if match[6] else zone[1] if zone else ''}".rstrip()
