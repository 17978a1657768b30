"""Dates, as they should be written and as they are."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.dates import date_of

MOMENT = datetime(2026, 11, 26, 9, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Thu, 26 Nov 2026 09:30:05 +0000",
        "26 Nov 2026 09:30:05 GMT",
        "Thu, 26 Nov 2026 10:30:05 +0100 (CET)",
        "Thu, 26 Nov 2026 04:30:05 EST",
        "Thursday, 26-Nov-26 09:30:05 GMT",
        "thu,26 november 2026 9:30:05",
        "Thu Nov 26 09:30:05 2026",
        "2026-11-26T09:30:05Z",
        "2026-11-26 10:30:05.123+01:00",
        "Thu, 26 Nov 2026 09:30:05",
    ],
)
def test_a_date_is_read(text: str) -> None:
    assert date_of(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "Quinta-feira, 26 de Novembro de 2026 às 9:30",
        "Thu, 31 Feb 2026 09:30:05 +0000",
        "Thu, 26 Nov 2026 25:30:05 +0000",
        "26 Now 2026 09:30:05",
        "1 Jan 0000 00:00:00 +0000",
        "31 Dec 9999 23:59:59 -2359",
        "26 Nov 2026",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert date_of(text) is None


def test_a_leap_second_is_the_one_before() -> None:
    assert date_of("31 Dec 2016 23:59:60 +0000") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@given(
    moment=st.datetimes(datetime(1950, 1, 2), datetime(9998, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
    minutes=st.integers(-1439, 1439),
)
def test_what_the_standard_library_writes_is_read(moment: datetime, minutes: int) -> None:
    there = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert date_of(format_datetime(there)) == there


@given(text=st.one_of(st.text(max_size=60), st.text(st.sampled_from("0123456789:+- NovThu,()"), max_size=40)))
def test_any_text_is_a_date_in_utc_or_none(text: str) -> None:
    date = date_of(text)
    assert date is None or date.tzinfo is UTC
