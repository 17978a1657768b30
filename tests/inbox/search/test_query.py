"""A search is understood, or the mistake is explained."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.search.query import (
    LARGEST,
    LONGEST_QUERY,
    MOST_TERMS,
    TEXT_FIELDS,
    After,
    Before,
    Contains,
    Has,
    HasTag,
    Is,
    Larger,
    Not,
    Query,
    QueryError,
    Smaller,
    Test,
    parse,
)

LISBON_IN_SUMMER = timezone(timedelta(hours=1))
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("ana", [Contains("", "ana")]),
        ("  two\twords ", [Contains("", "two"), Contains("", "words")]),
        ('"a phrase" x', [Contains("", "a phrase"), Contains("", "x")]),
        ('"a \\"quoted\\" \\\\ phrase"', [Contains("", 'a "quoted" \\ phrase')]),
        ("-ana !eva", [Not(Contains("", "ana")), Not(Contains("", "eva"))]),
        ('-"a phrase"', [Not(Contains("", "a phrase"))]),
        ('FROM:ana To:"Rui Melo"', [Contains("from", "ana"), Contains("to", "Rui Melo")]),
        ("reply-to:a message-id:<b@c>", [Contains("reply-to", "a"), Contains("message-id", "<b@c>")]),
        ("subject:Re:x", [Contains("subject", "Re:x")]),
        ("tag:Urgent -tag:x", [HasTag("Urgent"), Not(HasTag("x"))]),
        ("is:read is:Unread !is:tagged", [Is("read"), Is("unread"), Not(Is("tagged"))]),
        ("has:attachment has:attachments has:inlines", [Has("attachment"), Has("attachment"), Has("inline")]),
        ("before:2026-11-26T12:00 after:2026-11-26T12:00:00Z", [Before(NOON), After(NOON)]),
        ("after:2026-11-26", [After(NOON.replace(hour=0))]),
        ("after:2026/11/26", [After(NOON.replace(hour=0))]),
        ('after:"2026-11-26 13:00 +0100"', [After(NOON)]),
        ("after:2026-11-26T12:00:00.000-00:00", [After(NOON)]),
        ("larger:999999999999gb", [Larger(LARGEST)]),
        ("larger:500 larger:2kb", [Larger(500), Larger(2048)]),
        ("smaller:1.5m smaller:1GiB smaller:3b", [Smaller(3 << 19), Smaller(1 << 30), Smaller(3)]),
        ("http://example.org 12:30 Re:", [Contains("", "http://example.org"), Contains("", "12:30"), Contains("", "Re:")]),
        ("a - b", [Contains("", "a"), Contains("", "-"), Contains("", "b")]),
        ("100%_", [Contains("", "100%_")]),
        ("--x", [Not(Contains("", "-x"))]),
    ],
)
def test_a_query_is_a_tree(query: str, terms: list[Test | Not]) -> None:
    assert parse(query) == Query(tuple(terms))


@pytest.mark.parametrize(
    ("query", "at", "says"),
    [
        ("", 0, "from:ana"),
        (" \n", 0, "nothing to look for"),
        ("before:soon", 7, "soon is no date: write 2026-11-26"),
        ("x after:26/11/2026", 8, "26/11/2026 is no date"),
        ("before:2026-02-31", 7, "2026-02-31 is no date"),
        ("before:2026-11-26T25:00", 7, "is no date"),
        ("after:0001-01-01T00:00:00+14:00", 6, "is no date"),
        ("after:2026-11-26T00:00+99:99", 6, "is no date"),
        ("larger:big", 7, "big is no size: write 500"),
        ("larger:-1", 7, "-1 is no size"),
        ("is:new", 3, "is:unread"),
        ("has:virus", 4, "has:attachment"),
        ("from:", 5, "write from:ana"),
        ("x subject: y", 10, "write subject:welcome"),
        ('from:""', 5, "between the quotes"),
        ('"never closed', 0, 'write " behind it'),
        ('"ends with \\"', 0, 'write " behind it'),
        ('"a"b', 0, "a blank before what follows"),
        ('a"b c"', 1, "within a word"),
        ("form:ana", 0, "did you mean from:?"),
        ("-Form:ana", 0, "did you mean from:?"),
        ('nonsense:"a b"', 0, "There is no field nonsense"),
        ("-nonsense:x", 0, "There is no field nonsense"),
        ("a\0b", 1, "leave it out"),
        ("x " * MOST_TERMS + "y", 2 * MOST_TERMS, f"more than {MOST_TERMS} terms"),
        ("x" * (LONGEST_QUERY + 1), LONGEST_QUERY, "longer than 2,000"),
    ],
)
def test_a_mistake_is_explained(query: str, at: int, says: str) -> None:
    with pytest.raises(QueryError) as error:
        parse(query)
    assert error.value.at == at and says in str(error.value) and f"(at character {at + 1})" in str(error.value)
    assert error.value.query == query


def test_dates_are_in_a_zone() -> None:
    assert parse("after:2026-07-01", LISBON_IN_SUMMER) == Query((After(datetime(2026, 6, 30, 23, tzinfo=UTC)),))
    assert parse("after:2026-07-01T00:00Z", LISBON_IN_SUMMER) == Query((After(datetime(2026, 7, 1, tzinfo=UTC)),))


PHRASES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip())
)
TERMS = st.one_of(
    st.builds(Contains, st.sampled_from(["", *TEXT_FIELDS]), PHRASES),
    st.builds(HasTag, PHRASES),
    st.builds(Is, st.sampled_from(["read", "unread", "tagged"])),
    st.builds(
        Before, st.datetimes(datetime(1000, 1, 2), timezones=st.just(UTC)).map(lambda when: when.replace(microsecond=0))
    ),
    st.builds(Larger, st.integers(0, 10**12 - 1)),
)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def written(term: Test | Not) -> str:
    match term:
        case Not(test):
            return f"-{written(test)}"
        case Contains(field, text):
            return f"{field}:{quoted(text)}" if field else quoted(text)
        case HasTag(tag):
            return f"tag:{quoted(tag)}"
        case Is(state):
            return f"is:{state}"
        case Before(when):
            return f"before:{when.isoformat()}"
        case Larger(octets):
            return f"larger:{octets}"
    raise AssertionError(term)


@given(terms=st.lists(st.one_of(TERMS, st.builds(Not, TERMS)), min_size=1, max_size=5))
def test_what_is_written_is_what_is_understood(terms: list[Test | Not]) -> None:
    assert parse(" ".join(map(written, terms))) == Query(tuple(terms))


@given(first=st.lists(TERMS, min_size=1, max_size=3), second=st.lists(TERMS, min_size=1, max_size=3))
def test_two_queries_together_are_one_after_the_other(first: list[Test], second: list[Test]) -> None:
    one, two = (" ".join(map(written, terms)) for terms in (first, second))
    assert parse(f"{one} {two}").terms == parse(one).terms + parse(two).terms


QUERIES = st.one_of(st.text(max_size=40), st.text(st.sampled_from('-!"\\ :.ab0isfromtag'), max_size=30))


@given(query=QUERIES)
def test_any_text_is_a_query_or_a_mistake(query: str) -> None:
    """No term is left out: each word that is not in quotes is in one."""
    try:
        terms = parse(query).terms
    except QueryError as error:
        assert 0 <= error.at <= len(query)
    else:
        assert terms and ('"' in query or len(terms) == len(query.split()))
