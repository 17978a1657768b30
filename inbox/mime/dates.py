"""Dates of header fields (RFC 5322 section 3.3), and of mailbox separators.

A date that cannot be read is None, and never a guess. Knows nothing about which field it came from, and reads no clock.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# fmt: off
_ZONES = {
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "cet": 1, "cest": 2, "bst": 1,
}
# fmt: on
_COMMENT = re.compile(r"\([^()]{0,100}\)")
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d{1,9})?)?"
_ZONE = r"(?:\s*(?P<zone>[+-]\d{4}|[A-Za-z]{1,5})\b)?"
_INTERNET = re.compile(
    rf"(?:[A-Za-z]{{3,9}}\s*,?\s*)?(?P<day>\d{{1,2}})[\s-]+(?P<month>[A-Za-z]{{3,9}})[\s.-]+(?P<year>\d{{2,4}})[\s,]+{_TIME}{_ZONE}"
)
_ASCTIME = re.compile(
    rf"[A-Za-z]{{3}},?\s+(?P<month>[A-Za-z]{{3}})\s+(?P<day>\d{{1,2}})\s+{_TIME}{_ZONE}\s+(?P<year>\d{{4}})"
)
_ISO = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)[T ]{_TIME}\s*(?P<zone>Z|[+-]\d\d:?\d\d)?")


def date_of(text: str) -> datetime | None:
    """The moment that a text names, in UTC."""
    text = _COMMENT.sub(" ", text[:200]).strip()
    for pattern in (_INTERNET, _ASCTIME, _ISO):
        if match := pattern.match(text):
            return _moment(match)
    return None


def _moment(match: re.Match[str]) -> datetime | None:
    month = match["month"].lower()
    year, second = int(match["year"]), min(int(match["second"] or 0), 59)
    if len(match["year"]) < 4:
        year += 2000 if year < 50 else 1900
    zone = timezone(_offset(match["zone"] or ""))
    try:
        number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
        moment = datetime(year, number, int(match["day"]), int(match["hour"]), int(match["minute"]), second, tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _offset(zone: str) -> timedelta:
    """From UTC. A zone that nobody knows is UTC."""
    if zone[:1] in ("+", "-"):
        digits = zone[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]) % 24, minutes=int(digits[2:]) % 60)
        return -offset if zone[0] == "-" else offset
    return timedelta(hours=_ZONES.get(zone.lower(), 0))
