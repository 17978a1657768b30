"""Waiting for mail without polling: a search is made once, and again after each change, until it finds enough.

Knows nothing about HTTP.
"""

from collections.abc import Callable

from .contract import Changes, Inbox, Mistake, Page, Selection, Sight
from .environment import CallLater
from .request import RequestError

MOST_WAITING = 100
"""Requests that wait for mail. Each asks the index again after each change."""

LONGEST_WAIT = 300
"""Seconds that a request can wait for mail."""

USUAL_WAIT = 30
"""Seconds that one waits that does not say how long."""

Told = Callable[[Page | Mistake | None], None]


class Wait:
    """One wait. `told` is called once: with the page that is enough, or after `patience` seconds with the last one."""

    def __init__(
        self,
        inbox: Inbox,
        call_later: CallLater,
        ask: Callable[[Told], None],
        is_enough: Callable[[Page], bool],
        sight: Sight,
        patience: float,
        told: Told,
    ) -> None:
        self._ask = ask
        self._is_enough = is_enough
        self._told = told
        self._is_asking = self._is_stale = self._is_late = self._is_over = False
        self._last: Page | None = None
        self._forget = inbox.watch(sight, self._changed)
        self._timer = call_later(patience, self._time_out)
        self._ask_again()

    def cancel(self) -> None:
        """Forgets about it: nobody is told."""
        self._is_over = True
        self._timer.cancel()
        self._forget()

    def _ask_again(self) -> None:
        self._is_asking, self._is_stale = True, False
        self._ask(self._answered)

    def _answered(self, page: Page | Mistake | None) -> None:
        self._is_asking = False
        if self._is_over:
            return
        if not isinstance(page, Page) or self._is_late or self._is_enough(page):
            self._end(page)
            return
        self._last = page
        if self._is_stale:
            self._ask_again()

    def _changed(self, changes: Changes) -> None:
        if not (changes.came or changes.is_reset) or self._is_over:
            return
        if self._is_asking:
            self._is_stale = True
        else:
            self._ask_again()

    def _time_out(self) -> None:
        """Whoever waits for no time at all is told what the first search finds."""
        if self._last is None:
            self._is_late = True
        else:
            self._end(self._last)

    def _end(self, page: Page | Mistake | None) -> None:
        self.cancel()
        self._told(page)


class WaitingRoom:
    """All requests that wait; no more than MOST_WAITING."""

    def __init__(self, inbox: Inbox, call_later: CallLater) -> None:
        self._inbox = inbox
        self._call_later = call_later
        self._count = 0

    def wait(
        self,
        sight: Sight,
        selection: Selection,
        window: tuple[int, int],
        is_enough: Callable[[Page], bool],
        patience: float,
        told: Told,
    ) -> Callable[[], None]:
        """Waits until the part of a list is enough. Returns what ends the wait early. Raises RequestError if all is full."""
        if self._count >= MOST_WAITING:
            raise RequestError(503, f"{MOST_WAITING} requests wait already")
        self._count += 1
        is_here = True

        def leave() -> None:
            nonlocal is_here
            self._count -= is_here
            is_here = False

        def end(page: Page | Mistake | None) -> None:
            leave()
            told(page)

        def ask(answer: Told) -> None:
            self._inbox.page(sight, selection, *window, answer)

        wait = Wait(self._inbox, self._call_later, ask, is_enough, sight, patience, end)

        def forget() -> None:
            wait.cancel()
            leave()

        return forget
