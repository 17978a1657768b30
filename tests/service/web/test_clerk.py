"""The process that keeps the index asks for little of the processor, and for the least while there is much to do."""

from service.web.clerk import CALM, LEAST, MUCH, USUAL, Priority


def test_it_asks_for_the_least_once_there_is_much_and_is_over_when_it_is_calm() -> None:
    lowered: list[int] = []
    now = 100.0
    priority = Priority(lowered.append, lambda: now)
    assert not priority.is_over(MUCH - 1, True) and lowered == []
    now += 2 * CALM
    assert not priority.is_over(0, False), "it has the usual priority still"
    assert not priority.is_over(MUCH, False) and lowered == [LEAST - USUAL]
    assert not priority.is_over(MUCH, True) and lowered == [LEAST - USUAL], "once"
    now += CALM + 1
    assert not priority.is_over(0, True), "it reads a mailbox again"
    now += CALM
    assert not priority.is_over(0, False)
    now += 1
    assert priority.is_over(0, False)
