"""How far the index is behind its mailboxes, as far as its clerk knows."""

from pathlib import Path

from .world import World, mail


def test_it_is_behind_from_the_notice_until_all_is_read(tmp_path: Path) -> None:
    world = World(tmp_path, "mbox")
    world.work()
    assert world.clerk.lag == (0.0, 0) and world.recorder.totals() == (0, 0)
    for number in range(3):
        world.add(mail(number))
    world.add(mail(9), "eva")
    world.clerk.noticed({"ana": None})
    world.now += 2
    world.clerk.noticed({"eva": None})
    world.now += 1
    assert world.clerk.lag == (3.0, 2)
    world.work()
    assert world.clerk.lag == (0.0, 0) and world.recorder.totals() == (4, 4)
    world.now += 100
    world.clerk.read_again("ana")
    world.now += 5
    assert world.clerk.lag == (5.0, 1)
    world.end()
