"""The middle of a long list is found by its stretches, whatever comes, goes and comes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inbox.index import finding, schema, stretches
from inbox.index.catalogue import Selected
from inbox.index.stretches import Beginning, beginning

from .world import World, mail


@pytest.mark.parametrize(
    "start, expected",
    [
        (0, (None, 0)),
        (4, (None, 0)),
        (5, (100, 5)),
        (6, (100, 5)),
        (7, (40, 7)),
        (9, (40, 7)),
        (10, (-1, 10)),
        (99, (-1, 10)),
    ],
)
def test_it_begins_with_the_stretch_that_has_the_message(start: int, expected: Beginning) -> None:
    assert beginning([(100, 5), (50, 2), (40, 0), (-1, 3)], start) == expected


@pytest.fixture
def long_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """40 messages, of which four are many."""
    for module in (schema, stretches, finding):
        monkeypatch.setattr(module, "LONG", 4)
    world = World(tmp_path, "maildir")
    for number in range(40):
        world.add(mail(number), "bob" if number % 4 == 0 else "ana")
        if number % 4 == 3:
            world.work()
    yield world
    world.end()


def stretches_of(world: World) -> list[int]:
    rows = world.catalogue._base.execute("SELECT messages FROM stretch ORDER BY mailbox, first").fetchall()
    return [messages for (messages,) in rows]


def check(world: World) -> None:
    """Each list from anywhere is the end of the whole list, and the stretches have each message once."""
    for sight in (None, "ana", "bob", "nobody"):
        whole = [row["Subject"] for row in world.catalogue.page(sight, Selected(), 0, 1000).rows]
        for start in range(len(whole) + 2):
            rows = world.catalogue.page(sight, Selected(), start, 3).rows
            assert [row["Subject"] for row in rows] == whole[start : start + 3], (sight, start)
    assert sum(stretches_of(world)) == world.catalogue.page(None, Selected(), 0, 0).total + sum(
        total for total, _ in world.counts().values()
    )


def test_each_page_is_a_part_of_the_list(long_world: World) -> None:
    check(long_world)
    assert len(stretches_of(long_world)) > 12 and max(stretches_of(long_world)) <= 8


def test_they_follow_what_is_deleted_and_taken_back(long_world: World) -> None:
    gone = long_world.catalogue.delete(None, Selected(long_world.ids()[5:25]), 1000.0)
    check(long_world)
    assert long_world.catalogue.restore(None, gone[:10]) == 10
    long_world.work()
    check(long_world)
    assert long_world.catalogue.page(None, Selected(), 0, 0).total == 30


def test_they_go_with_their_mailbox(long_world: World) -> None:
    for path in sorted((long_world.directory / "bob").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (long_world.directory / "bob").rmdir()
    long_world.work()
    check(long_world)
    numbers = long_world.catalogue._base.execute("SELECT DISTINCT mailbox FROM stretch").fetchall()
    assert len(numbers) == 2 and long_world.counts().keys() == {"ana"}
