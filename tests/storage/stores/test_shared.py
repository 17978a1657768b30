"""Several processes deliver to the same mailboxes, and die: alone at any call, all together, or by a power cut.

What was acknowledged is in its mailbox once, whole, and what came to one process in its order; nothing else is in it.
"""

import os
import random
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.mail_stores import MailStores

from ...kit.disk import PowerCut
from ...kit.post import MailboxKind
from ...kit.processes import Process
from .test_power_cuts import small
from .world import CLOCK, IDS, Action, World

pytestmark = pytest.mark.no_cover  # which would take most of its time

__all__ = ["small"]


@pytest.fixture(autouse=True)
def parts_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def left(stores: MailStores) -> list[str]:
        assert isinstance(stores._files, Process)
        journal = stores._files.machine.disk.top.names.get(b".journal")
        return sorted(name.decode() for name in journal.names if name.startswith(b"worker-")) if journal else []

    monkeypatch.setattr(MailStores, "_left", left)
    monkeypatch.setattr("storage.stores.shared.LOOK_AGAIN", 0.0)
    monkeypatch.setattr("storage.delivery.queue.FIRST_DELAY", 0.01)
    monkeypatch.setattr("storage.delivery.queue.LAST_DELAY", 0.01)
    monkeypatch.setattr("storage.delivery.housekeeping.RETRY", 0.01)
    monkeypatch.setattr("storage.delivery.housekeeping.AGE", 0.05)
    monkeypatch.setattr("storage.stores.journalled.Ids", lambda: IDS)
    for module in ("journal.journal", "delivery.housekeeping", "delivery.mover", "stores.journalled", "stores.message"):
        monkeypatch.setattr(f"storage.{module}.time", CLOCK)


WHO = st.integers(0, 2)
COMMIT = st.tuples(st.just("commit"), WHO, st.sampled_from([0, 1, 300, 700, 1500, 2500, 4000]), st.integers(0, 3))
SETTLE = st.tuples(st.just("settle"), WHO, st.just(0), st.just(0))
TIDY = st.tuples(st.just("tidy"), WHO, st.integers(1, 8), st.just(0))
DIE = st.tuples(st.just("die"), WHO, st.integers(0, 40), st.just(0))
RESTART = st.tuples(st.just("restart"), st.just(0), st.integers(0, 2), st.integers(0, 1))
LOCK = st.tuples(st.just("lock"), st.just(0), st.integers(0, 2), st.just(0))
REPLACE = st.tuples(st.just("replace"), st.just(0), st.integers(0, 1), st.just(0))
FAIL = st.tuples(st.just("fail"), st.just(0), st.integers(0, 1), st.integers(0, 3))

OFTEN = (COMMIT, COMMIT, SETTLE, SETTLE, TIDY, TIDY, TIDY, TIDY)


def actions(*others: st.SearchStrategy[Action]) -> st.SearchStrategy[list[Action]]:
    return st.lists(st.one_of(*OFTEN, *others), min_size=10, max_size=60)


SETTINGS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    deadline=None,
    max_examples=int(os.environ.get("PARTS", "100")),
)

KINDS = pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes])


@KINDS
@SETTINGS
@given(actions(DIE, DIE, RESTART, REPLACE), st.integers(0, 1 << 62))
def test_nothing_is_lost_torn_or_twice_when_processes_die(kind: MailboxKind, actions: list[Action], seed: int) -> None:
    live(kind, [(actions, 0)], seed)


@KINDS
@SETTINGS
@given(
    st.lists(st.tuples(actions(DIE, RESTART), st.integers(1, 300)), min_size=1, max_size=3),
    st.integers(0, 1 << 62),
)
def test_nor_when_the_power_fails_at_any_call(kind: MailboxKind, runs: list[tuple[list[Action], int]], seed: int) -> None:
    live(kind, runs, seed)


@SETTINGS
@given(
    st.lists(st.tuples(actions(DIE, RESTART, LOCK, LOCK), st.integers(1, 300)), min_size=1, max_size=3),
    st.integers(0, 1 << 62),
)
def test_nor_when_mailboxes_are_locked_meanwhile(runs: list[tuple[list[Action], int]], seed: int) -> None:
    live(MboxMailboxes, runs, seed)


@SETTINGS
@given(actions(DIE, RESTART, LOCK, REPLACE, FAIL, FAIL), st.integers(0, 1 << 62))
def test_nor_when_the_disk_fails_before_processes_die(actions: list[Action], seed: int) -> None:
    live(MboxMailboxes, [(actions, 0)], seed)


DELIVERY: list[Action] = [
    action
    for size in (10, 700, 2500, 10, 1500, 300, 10)
    for action in (("commit", 1, size, 1), ("commit", 1, 10, 0), ("settle", 1, 0, 0), *[("tidy", 1, 9, 0)] * 6)
]
AFTERWARDS: list[Action] = [
    *(("commit", 1, 300, 1), ("settle", 1, 0, 0), ("tidy", 2, 1, 0), *[("tidy", 1, 9, 0)] * 6),
    *(("commit", 1, 10, 1), ("settle", 1, 0, 0)),
]
TURNS: list[Action] = [
    action
    for size in (700, 1500, 700, 10, 1500)
    for who in (1, 2, 3)
    for action in (("commit", who, size, 0), ("commit", who, 700, 0), ("settle", who, 0, 0), ("tidy", who, 9, 0))
]


def forget_all(below: int) -> int:
    """A choice in which whatever was not synced is lost."""
    return 0


def choices(number: int) -> Iterator[Callable[[int], int]]:
    yield forget_all
    for seed in range(2):
        yield random.Random(4 * number + seed).randrange


def cut_power_in_each_way(world: World, ways: Iterable[Callable[[int], int]]) -> None:
    """Looks at what each choice leaves of the disk, which is the same until the power fails."""
    world.kill_all()
    disk = world.machine.disk
    for choose in ways:
        world.choose, world.machine.disk = choose, disk
        world.cut_power()
        world.check()


@KINDS
def test_the_power_fails_at_any_call_while_three_deliver_to_one_mailbox_in_turn(
    kind: MailboxKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.delivery.housekeeping.TOGETHER", 1)
    number, is_over = 0, False
    while not is_over:
        number += 3
        world = World(kind, forget_all)
        world.count = 3
        for who in (1, 2, 3):
            world.store(who)
        world.machine.disk.power_fails_at = world.machine.disk.calls + number
        try:
            world.run(TURNS)
        except PowerCut:
            cut_power_in_each_way(world, choices(number))
        else:
            is_over = True
    assert number > 300


@KINDS
@pytest.mark.parametrize("processes", [1, 2])
def test_one_dies_at_any_call_and_what_the_next_accepts_survives_a_power_cut(kind: MailboxKind, processes: int) -> None:
    """Whatever the first one wrote and did not sync is gone then; the second one has seen it."""
    number, is_over = 0, False
    who = 1 if processes > 1 else 0
    while not is_over:
        number += 1
        world = World(kind, forget_all)
        world.count = processes
        world.store(who)
        dying = world.processes[who]
        dying.dies_at = dying.calls + number
        for action in DELIVERY:
            if not dying.is_dead:
                world.run([action])
        is_over = not dying.is_dead
        if dying.is_dead:
            world.run(AFTERWARDS)
            cut_power_in_each_way(world, (forget_all, random.Random(number).randrange))
    assert number > 150


@KINDS
def test_one_dies_when_a_server_starts_and_what_the_next_accepts_survives_a_power_cut(kind: MailboxKind) -> None:
    for number in range(1, 200):
        world = World(kind, forget_all)
        world.count = 1 + number % 2
        world.dies_at = number // 2 + 1
        world.run([*AFTERWARDS, *AFTERWARDS])
        cut_power_in_each_way(world, (forget_all, random.Random(number).randrange))


ANY = (
    [("commit", size, 4) for size in (0, 1, 300, 700, 1500, 2500, 4000)]
    + [("settle", 0, 1)] * 6
    + [("tidy", number, 1) for number in range(1, 9)] * 2
    + [("die", number, 1) for number in (1, 8, 30)]
    + [("restart", number, 2) for number in range(3)]
)
"""An action, its first number, and below what its second one is."""


@KINDS
@pytest.mark.parametrize("others", [(), ("lock", "replace"), ("lock", "fail")], ids=["alone", "replaced", "failing"])
def test_nor_in_long_histories(kind: MailboxKind, others: tuple[str, ...]) -> None:
    """The worst is found in these: a run that leaves what the next but one stumbles over."""
    for seed in range(int(os.environ.get("PARTS", "100")) // 5):
        chance = random.Random(seed)
        runs = []
        for _ in range(chance.randrange(1, 4)):
            actions = []
            for _ in range(chance.randrange(20, 150)):
                action, first, below = chance.choice([*ANY, *((other, chance.randrange(3), 4) for other in others)])
                actions.append((action, chance.randrange(3), first, chance.randrange(below)))
            runs.append((actions, 0 if "fail" in others else chance.randrange(1, 1500)))
        live(kind, runs, seed)


def live(kind: MailboxKind, runs: list[tuple[list[Action], int]], seed: int) -> None:
    """Some runs, each ended by a power cut if the disk is called so often; then the mailboxes are looked at."""
    world = World(kind, random.Random(seed).randrange)
    for actions, power_fails_at in runs:
        world.machine.disk.calls = 0
        world.machine.disk.power_fails_at = power_fails_at
        try:
            world.run(actions)
        except PowerCut:
            world.cut_power()
    world.check()
