"""The tally: what grows goes on growing whatever dies, and what is gone is no gauge."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.snapshots import Row, Snapshot
from service.web.tally import GONE, Tally


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def snapshot(number: int, began: float, at: float, *rows: Row) -> Snapshot:
    return Snapshot(number, 1000 + number, began, at, list(rows))


STEP = st.tuples(st.integers(1, 3), st.sampled_from(["count", "count", "count", "lose", "die", "page"]), st.integers(0, 5))


@given(st.lists(STEP, max_size=60))
def test_nothing_that_was_told_is_lost_or_counted_twice(steps: list[tuple[int, str, int]]) -> None:
    """Workers count, die and begin anew, the page dies and goes on from what was kept, and datagrams are lost."""
    clock, tally = Clock(), Tally(Clock())
    began: dict[int, float] = dict.fromkeys((1, 2, 3), 1.0)
    counted: dict[int, int] = defaultdict(int)
    told: dict[int, int] = defaultdict(int)
    done, last = 0, 0.0
    for number, what, amount in steps:
        clock.now += 0.1
        if what == "die":
            done += told.pop(number, 0)
            counted.pop(number, None)
            began[number] = clock.now
        elif what == "page":
            packed = tally.packed()
            tally = Tally(Clock())
            tally.unpack(packed)
        else:
            counted[number] += amount
            if what == "count":
                told[number] = counted[number]
                tally.take(snapshot(number, began[number], clock.now, Row("messages", (), counted[number])))
        assert tally.total("messages") == done + sum(told.values()) >= last
        last = tally.total("messages")


def test_what_an_earlier_process_sent_and_comes_late_is_left_out() -> None:
    tally = Tally(Clock())
    tally.take(snapshot(1, 10.0, 99.0, Row("messages", (), 5)))
    tally.take(snapshot(1, 20.0, 99.5, Row("messages", (), 1)))
    tally.take(snapshot(1, 10.0, 99.0, Row("messages", (), 7)))
    assert tally.total("messages") == 6 and tally.of_each("messages") == {1: 6}


def test_parts_of_a_snapshot_are_put_together() -> None:
    tally = Tally(Clock())
    for part in (("250", 4.0), ("550", 2.0), ("250", 5.0)):
        tally.take(snapshot(1, 1.0, 99.0, Row("moves", (part[0],), part[1])))
    tally.take(snapshot(2, 1.0, 99.0, Row("moves", ("250",), 1.0)))
    assert tally.totals("moves") == {("250",): 6, ("550",): 2} and tally.totals("nothing") == {}


def test_gauges_of_the_silent_do_not_count() -> None:
    clock = Clock()
    tally = Tally(clock)
    for number, at in ((1, 99.0), (2, 94.9)):
        tally.take(snapshot(number, 50.0, at, Row("sessions", ("CLIENT",), 3, True), Row("messages", (), 1)))
    assert tally.gauges("sessions") == {1: {("CLIENT",): 3}} and tally.pids == {1: 1001}
    assert tally.silences == {1: 1.0, 2: pytest.approx(5.1)} and tally.age == 50.0
    clock.now += GONE
    assert tally.gauges("sessions") == {} and tally.total("messages") == 2
    tally.take(snapshot(1, 103.0, clock.now))
    assert tally.gauges("sessions") == {}, "who begins anew has none yet"


def test_what_is_no_tally_is_not_unpacked() -> None:
    for packed in (b"", b"[]", b"[1, 2]", b"{}"):
        with pytest.raises((ValueError, TypeError, AttributeError)):
            Tally().unpack(packed)
