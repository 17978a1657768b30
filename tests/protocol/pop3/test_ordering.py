"""POP3 keeps the order of commands: every line in every situation, and in random histories."""

from random import Random

import pytest
from hypothesis import given

from protocol.pop3.table import POP3

from ...kit.pop3_dialogues import SITUATIONS, Dialogue, check_order, hold, known_after, wandering
from ...kit.pop3_ordering import WAITING
from ...kit.walks import HISTORY

pytestmark = pytest.mark.no_cover  # which would take most of its time


def test_every_line_and_answer_in_every_situation() -> None:
    check_order(POP3)


def test_no_place_is_left_out() -> None:
    places = {known_after(opening).place for opening in SITUATIONS.values()}
    asked = {"asked for all", "asked for name", "asked for secret"}
    assert places == {"nobody", "named", "mailbox", "handshake", "goodbye", *asked, *WAITING}


@given(HISTORY)
def test_short_histories(seeds: list[int]) -> None:
    hold(POP3, Dialogue(tuple(step for seed in seeds for step in wandering(Random(seed), 1))))


def test_random_histories(seed: int) -> None:
    random = Random(seed)
    for _ in range(300):
        hold(POP3, Dialogue(wandering(random, 30)))
