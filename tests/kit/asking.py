"""A loop that runs until what was asked is answered."""

from collections.abc import Callable
from typing import Any

from reactor.loop import Reactor


class Asking:
    """Has a loop for whatever is asked in it."""

    def __init__(self) -> None:
        self.reactor = Reactor()

    def asked(self, ask: Callable[[Callable[[Any], None]], object]) -> Any:
        """Asks, and lets the loop run until there is an answer."""
        answers: list[Any] = []

        def answer(value: Any) -> None:
            answers.append(value)
            self.reactor.stop()

        ask(answer)
        if not answers:
            self.reactor.call_later(20, self.reactor.stop)
            self.reactor.run()
        assert answers, "it was answered in time"
        return answers[0]
