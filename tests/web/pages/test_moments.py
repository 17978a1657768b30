"""Dates as people write them."""

from datetime import UTC, datetime

import pytest

from web.pages.languages import ENGLISH, PORTUGUESE
from web.pages.moments import moment, short, whole, zone

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "english", "portuguese"),
    [
        ("2026-11-28T08:05:00.000Z", "08:05", "08:05"),
        ("2026-11-27T23:59:00.000Z", "27 Nov", "27 nov."),
        ("2025-03-01T00:00:00.000Z", "1 Mar 2025", "1 mar. 2025"),
        ("0001-01-01T00:00:00.000Z", "1 Jan 1", "1 jan. 1"),
    ],
)
def test_a_list_shows_the_time_of_today_and_the_date_before(text: str, english: str, portuguese: str) -> None:
    when = moment(text)
    assert when
    assert short(when, NOW, UTC, ENGLISH.calendar) == english
    assert short(when, NOW, UTC, PORTUGUESE.calendar) == portuguese


def test_the_zone_decides_which_day_it_is() -> None:
    late, tokyo = moment("2026-11-27T23:59:00.000Z"), zone("Asia/Tokyo")
    assert late and tokyo and short(late, NOW, tokyo, ENGLISH.calendar) == "08:59"
    assert whole(late, tokyo, ENGLISH.calendar) == "Saturday, 28 November 2026 at 08:59:00 JST"


def test_the_ends_of_time_are_no_bugs() -> None:
    for text, name in (("0001-01-01T00:00:00.000Z", "America/New_York"), ("9999-12-31T23:59:59.000Z", "Asia/Tokyo")):
        when, where = moment(text), zone(name)
        assert when and where and whole(when, where, PORTUGUESE.calendar) and short(when, NOW, where, ENGLISH.calendar)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-28T08:05:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_moment(text: str) -> None:
    assert moment(text) is None


@pytest.mark.parametrize("name", ["", "..", "../x", "/etc/passwd", "Nowhere/Else", "a/b/c/d", "x\0", "posixrules\n"])
def test_what_is_no_zone(name: str) -> None:
    assert zone(name) is None
