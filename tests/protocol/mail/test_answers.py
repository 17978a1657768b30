"""What storage answers for each recipient becomes one reply: the worst, when all have answered."""

from itertools import permutations, product

import pytest

from protocol.mail.answers import folded

from ...kit.support import DiskIsFull

FAULTS = [None, DiskIsFull("for now"), DiskIsFull("no room"), DiskIsFull("for good")]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_worst_is_told_once_when_the_last_has_answered_in_whatever_order(count: int) -> None:
    for faults in product(range(len(FAULTS)), repeat=count):
        for order in permutations(range(count)):
            told: list[object] = []
            take = folded(lambda recipient, fault, told=told: told.append(fault), count)  # type: ignore[misc]
            for number in order:
                assert not told
                take(number, FAULTS[faults[number]])
            assert told == [FAULTS[max(faults)]]
