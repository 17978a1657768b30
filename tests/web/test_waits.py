"""Waiting: a search is made again for each change, one at a time, and everything ends once."""

from collections.abc import Callable

import pytest

from web import waits
from web.contract import Changes, Mistake, Page, Selection, Sight
from web.request import RequestError
from web.waits import Told, Wait, WaitingRoom

from ..kit.inboxes import MemoryInbox

NOTHING, SOMETHING = Page(0, 0, 0, []), Page(1, 1, 1, [])


class World:
    """An inbox that answers when it is told to, and a clock that stands still."""

    def __init__(self) -> None:
        self.questions: list[Told] = []
        self.timers: list[Callable[[], None]] = []
        self.watchers: list[Callable[[Changes], None]] = []
        self.told: list[Page | Mistake | None] = []

    def watch(self, sight: Sight, changed: Callable[[Changes], None]) -> Callable[[], None]:
        self.watchers.append(changed)
        return self.watchers.clear

    def call_later(self, delay: float, callback: Callable[[], None]) -> "World":
        self.timers.append(callback)
        return self

    def cancel(self) -> None:
        self.timers.clear()

    def wait(self) -> Wait:
        inbox = MemoryInbox()
        inbox.watch = self.watch  # type: ignore[method-assign]
        return Wait(inbox, self.call_later, self.questions.append, lambda page: page.found > 0, None, 1.0, self.told.append)

    def answer(self, page: Page | Mistake | None) -> None:
        self.questions.pop(0)(page)

    @property
    def is_over(self) -> bool:
        return not (self.timers or self.watchers or self.questions)


COME = Changes(is_reset=True)


def test_what_is_found_at_once_ends_it() -> None:
    world = World()
    world.wait()
    world.answer(SOMETHING)
    assert world.told == [SOMETHING] and world.is_over


@pytest.mark.parametrize("answer", [None, Mistake("no", 0)])
def test_what_cannot_be_told_ends_it(answer: Mistake | None) -> None:
    world = World()
    world.wait()
    world.answer(answer)
    assert world.told == [answer] and world.is_over


def test_changes_during_a_search_make_one_more() -> None:
    world = World()
    world.wait()
    for _ in range(3):
        world.watchers[0](COME)
    assert len(world.questions) == 1
    world.answer(NOTHING)
    assert len(world.questions) == 1 and not world.told
    world.answer(NOTHING)
    assert not world.questions
    world.watchers[0](Changes(gone=("x",)))
    assert not world.questions, "what goes is nothing to find"
    world.watchers[0](COME)
    world.answer(SOMETHING)
    assert world.told == [SOMETHING] and world.is_over


def test_in_the_end_the_last_answer_is_told() -> None:
    world = World()
    world.wait()
    world.answer(NOTHING)
    world.watchers[0](COME)
    world.timers[0]()
    assert world.told == [NOTHING]
    world.answer(SOMETHING)
    assert world.told == [NOTHING] and world.is_over


def test_no_time_at_all_is_enough_for_one_search() -> None:
    world = World()
    world.wait()
    world.timers[0]()
    assert not world.told
    world.answer(NOTHING)
    assert world.told == [NOTHING] and world.is_over


def test_what_is_cancelled_tells_nobody() -> None:
    world = World()
    wait = world.wait()
    (changed,) = world.watchers
    wait.cancel()
    world.answer(SOMETHING)
    changed(COME)
    assert not world.told and world.is_over


def test_a_place_in_the_room_is_given_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "MOST_WAITING", 1)
    world = World()
    room = WaitingRoom(MemoryInbox(), world.call_later)
    for _ in range(3):
        leave = room.wait(None, Selection(), (0, 1), lambda page: page.found > 0, 1.0, world.told.append)
        with pytest.raises(RequestError):
            room.wait(None, Selection(), (0, 1), lambda page: page.found > 0, 1.0, world.told.append)
        leave()
        leave()
    room.wait(None, Selection(), (0, 1), lambda page: True, 1.0, world.told.append)
    room.wait(None, Selection(), (0, 1), lambda page: True, 1.0, world.told.append)
    assert len(world.told) == 2
