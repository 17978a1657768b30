"""Dates and times as people of a language write them, in a time zone. Knows nothing about where they come from."""

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,2}")


class Calendar(NamedTuple):
    """How a language writes dates. In its patterns stand `day`, `month`, `year`, `weekday` and `time`, in braces."""

    months: tuple[str, ...]
    short_months: tuple[str, ...]
    weekdays: tuple[str, ...]
    """From Monday on."""
    of_this_year: str
    of_other_years: str
    whole: str


def moment(text: str) -> datetime | None:
    """A moment in RFC 3339; None for what is none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else None


@lru_cache(100)
def zone(name: str) -> tzinfo | None:
    """A time zone of the IANA database; None for a name that is not there."""
    if not _ZONE.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _inside(when: datetime, where: tzinfo) -> datetime:
    try:
        return when.astimezone(where)
    except OverflowError:  # within a day of year 1 or 9999
        return when.astimezone(UTC)


def short(when: datetime, now: datetime, where: tzinfo, calendar: Calendar) -> str:
    """The time of day for today, else the date."""
    when, now = _inside(when, where), _inside(now, where)
    if when.date() == now.date():
        return when.strftime("%H:%M")
    pattern = calendar.of_this_year if when.year == now.year else calendar.of_other_years
    return pattern.format(day=when.day, month=calendar.short_months[when.month - 1], year=when.year)


def whole(when: datetime, where: tzinfo, calendar: Calendar) -> str:
    """Weekday, date, time and zone."""
    when = _inside(when, where)
    return calendar.whole.format(
        weekday=calendar.weekdays[when.weekday()],
        day=when.day,
        month=calendar.months[when.month - 1],
        year=when.year,
        time=f"{when:%H:%M:%S} {when.tzname() or ''}".strip(),
    )
