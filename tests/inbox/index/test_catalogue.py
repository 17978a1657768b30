"""Searches find what `matches` says, page by page."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.index import finding
from inbox.index.catalogue import Catalogue, Selected
from inbox.mime.message import message
from inbox.search.matching import Kept, matches
from inbox.search.query import QueryError, parse

from .world import World, mail

WORDS = (
    "ana",
    "Ánä",
    "re",
    "x",
    "Straße",
    "STRASSE",
    "hello",
    "hello 1",
    "lo",
    "n1",
    "%",
    "_",
    "100%",
    '"',
    "日本",
    "a.b@c",
    "OR",
    "*",
)
FIELDS = ("", "from:", "to:", "cc:", "bcc:", "reply-to:", "addressed:", "subject:", "message-id:")

terms = st.builds(
    lambda sign, field, word: f'{sign}{field}"{word}"' if '"' not in word else f"{sign}{field}" + '"\\""',
    st.sampled_from(["", "-"]),
    st.sampled_from(FIELDS),
    st.sampled_from(WORDS),
)
others = st.sampled_from(
    ["is:read", "-is:read", "is:tagged", "has:attachment", "larger:200", "smaller:200", "after:2026-11-26T00:02", "tag:X"]
)
mails = st.fixed_dictionaries(
    {},
    optional={
        name: st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
        for name in ("From", "To", "Cc", "Reply_To", "Subject", "Message_ID")
    },
)


@settings(max_examples=60)
@given(
    contents=st.lists(mails, max_size=5),
    queries=st.lists(st.lists(terms | others, min_size=1, max_size=3), min_size=1, max_size=8),
)
def test_it_finds_what_matches_says(
    contents: list[dict[str, str]], queries: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = World(tmp_path_factory.mktemp("catalogue"), "maildir")
    octets = [mail(number, **fields) for number, fields in enumerate(contents)]
    for each in octets:
        world.add(each)
    world.work()
    ids = world.ids()
    world.catalogue.mark(None, Selected(ids[:1]), True)
    world.catalogue.tag(None, ids[1:2], ["x"])
    kept = [
        Kept(message(each), number == len(octets) - 1, ("x",) * (number == len(octets) - 2))
        for number, each in enumerate(octets)
    ]
    for query in map(" ".join, queries):
        expected = [id for id, each in zip(reversed(ids), kept, strict=True) if matches(parse(query), each)]
        page = world.catalogue.page(None, Selected(query=query), 0, 100)
        found = [row["ID"] for row in page.rows]
        assert page.found == len(found) and set(found) <= set(expected), query
        assert bool(found) == bool(expected), query
        if all(":" in term or term.startswith("-") for term in query.split('" ')):
            assert found == expected[::-1], f"{query}: only words of the text may be found in part"
    world.end()


ALIKE = [f"inv{number:02}" for number in range(finding.MOST_ENDINGS + 2)]
"""More words that begin alike than are each asked for."""

BEGINNINGS = (
    "inv",
    "inv0",
    "inv1",
    "inv00",
    "hello inv0",
    "inv0 inv1",
    "other inv",
    '"inv00 inv"',
    '"inv01 inv1" hello',
    "invo",
)


STATES = ("", " is:unread", " is:read", " is:read is:unread", " -is:read")


@settings(max_examples=25)
@given(
    contents=st.lists(
        st.tuples(
            st.lists(st.sampled_from([*ALIKE, "inv", "other", "hello"]), max_size=3), st.sampled_from(["", "Inv00", "x"])
        ),
        max_size=30,
    ),
    window=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    marked=st.sets(st.integers(0, 29)),
)
def test_words_that_begin_so_are_found_and_counted_newest_first(
    contents: list[tuple[list[str], str]],
    window: tuple[int, int],
    marked: set[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    world = World(tmp_path_factory.mktemp("catalogue"), "mbox")
    octets = [mail(number, To=name) + " ".join(words).encode() for number, (words, name) in enumerate(contents)]
    for each in octets:
        world.add(each)
    world.work()
    ids = world.ids()
    world.catalogue.mark(None, Selected([id for number, id in enumerate(ids) if number in marked]), True)
    kept = [Kept(message(each), number in marked) for number, each in enumerate(reversed(octets))]
    start, limit = window
    for query in (beginning + state for beginning in BEGINNINGS for state in STATES):
        expected = [id for id, each in zip(ids, kept, strict=True) if matches(parse(query), each)]
        for sight in (None, "ana"):
            page = world.catalogue.page(sight, Selected(query=query), start, limit)
            assert [row["ID"] for row in page.rows] == expected[start : start + limit], query
            assert page.found == len(expected), query
    world.end()


def test_what_is_counted_once_is_counted_anew_when_something_has_changed(world_of_ten: World) -> None:
    catalogue, asked = world_of_ten.catalogue, list[str]()
    catalogue._base.set_trace_callback(lambda sql: asked.append(sql) if "count(*)" in sql else None)

    def found(query: str) -> tuple[int, int]:
        asked.clear()
        return catalogue.page(None, Selected(query=query), 0, 1).found, len(asked)

    for query in ("hello", "subject:n1 is:unread", "after:2026-11-26T00:02"):
        before, times = found(query)
        assert times and found(query) == (before, 0), "nothing has changed"
    assert found("hello")[0] == 10
    world_of_ten.add(mail(10))
    world_of_ten.work()
    assert found("hello")[0] == 11
    other = Catalogue(world_of_ten.directory)
    other.delete(None, Selected(query="subject:n10"), 1000.0)
    assert found("hello")[0] == 10
    assert found("hello is:unread") == (10, 1)
    other.mark(None, Selected(query="subject:n1"), True)
    assert found("hello is:unread") == (9, 1)
    assert found("hello is:tagged")[0] == 0
    other.tag(None, world_of_ten.ids()[:2], ["a"])
    assert found("hello is:tagged")[0] == 2
    other.close()


def test_pages_follow_each_other(world_of_ten: World) -> None:
    rows = [world_of_ten.catalogue.page("ana", Selected(), start, 3).rows for start in range(0, 12, 3)]
    assert [row["Subject"] for page in rows for row in page] == [f"n{number}" for number in reversed(range(10))]


def test_a_mistake_deletes_nothing(world_of_ten: World) -> None:
    for query in ("before:soon", "-nonsense:x", "larger:big", ""):
        with pytest.raises(QueryError):
            world_of_ten.catalogue.delete(None, Selected(query=query), 0.0)
    assert world_of_ten.counts() == {"ana": (10, 10)}


def test_marks_count(world_of_ten: World) -> None:
    catalogue = world_of_ten.catalogue
    assert catalogue.mark("ana", Selected(query="subject:n1"), True) == 1
    assert catalogue.mark("bob", Selected(), True) == 0
    page = catalogue.page("ana", Selected(), 0, 1)
    assert (page.total, page.unread) == (10, 9)
    assert catalogue.mark(None, Selected(), True) == 10 and catalogue.page(None, Selected(), 0, 1).unread == 0
    assert catalogue.mark(None, Selected(world_of_ten.ids()[:3]), False) == 3 and world_of_ten.counts() == {"ana": (10, 3)}


def test_tags(world_of_ten: World) -> None:
    catalogue, ids = world_of_ten.catalogue, world_of_ten.ids()
    assert catalogue.tag(None, [*ids[:2], "nobody's"], ["b", "a"]) == 2 and catalogue.tags("ana") == ["a", "b"]
    assert catalogue.rename_tag(None, "a", "c") == 2 and catalogue.tags(None) == ["b", "c"]
    assert catalogue.page(None, Selected(ids[:1]), 0, 1).rows[0]["Tags"] == ["b", "c"]
    assert catalogue.rename_tag(None, "b", None) == 2 and catalogue.tags(None) == ["c"] and catalogue.tags("bob") == []


@pytest.mark.parametrize("sight", [None, "ana"])
def test_the_list_of_tags_costs_the_same_with_more_messages(world_of_ten: World, sight: str | None) -> None:
    catalogue, steps = world_of_ten.catalogue, list[int]()
    catalogue.tag(None, world_of_ten.ids()[:2], ["a"])

    def counted() -> int:
        steps.clear()
        catalogue._base.set_progress_handler(lambda: steps.append(1), 1)
        assert catalogue.tags(sight) == ["a"]
        return len(steps)

    few = counted()
    for number in range(100, 200):
        world_of_ten.add(mail(number))
    world_of_ten.work()
    assert counted() <= few + 10, "steps of SQLite's machine"


def test_a_question_that_takes_long_is_given_up(world_of_ten: World, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = world_of_ten.catalogue
    with pytest.raises(TimeoutError):
        catalogue._finder.ask(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", (), 0.05
        )
    assert world_of_ten.subjects(query="hello") != []


def test_rows_can_be_sent_as_json(world_of_ten: World) -> None:
    assert json.dumps(world_of_ten.catalogue.page(None, Selected(), 0, 50).rows)


@pytest.fixture
def world_of_ten(tmp_path: Path) -> World:
    world = World(tmp_path, "mbox")
    for number in range(10):
        world.add(mail(number))
    world.work()
    return world
