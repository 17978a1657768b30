"""Names without an entry anywhere, which get a mailbox when the first mail comes for them, up to a limit.

Knows nothing about users files, nor what a mailbox looks like.
"""

import logging
import time
from collections.abc import Callable, Iterable

from .users import flaw_of, folded

log = logging.getLogger("carteiro.storage")

LOOK_EVERY = 1.0
"""Seconds between two looks at which mailboxes are there, at least."""

LOOK_SHARE = 0.02
"""Share of the time that these looks may take, at most."""

UNSEEN = 3600.0
"""Seconds for which a name counts that was given out and has no mailbox: its mail may be on its way."""

_RESERVED = (b".lock", b".txt")
"""Ends of names that another kind of mailbox gives to its files: such a name could be in their way."""


class Newcomers:
    """The mailboxes that are there, and the names that were given out for one within the last hour: `most` together.

    `present` lists the mailboxes that are there. It is asked when a new name comes, but not too often. So several processes
    may exceed the limit together, by what each of them gives out between two looks. The name postmaster comes on top, since
    RFC 5321 section 4.5.1 wants it to be there always.
    """

    def __init__(self, most: int, present: Callable[[], Iterable[str]]) -> None:
        self._most = most
        self._present = present
        self._there: frozenset[str] = frozenset()
        self._given: dict[str, float] = {}
        self._look_at = 0.0
        self._is_full = False

    @staticmethod
    def may_have_one(name: bytes) -> bool:
        """Whether a name can be that of a mailbox: the rules of the users file, and no ending of a file that is none."""
        return bool(name) and not flaw_of(folded(name)) and not folded(name).endswith(_RESERVED)

    def admit(self, name: bytes) -> str | None:
        """The mailbox for a name that may have one: its own, in lower case (ASCII only). None: no more are made."""
        mailbox = folded(name).decode()
        if mailbox not in self._there and mailbox not in self._given:
            self._look()
            if mailbox not in self._there:
                if self._lacks_room() and mailbox != "postmaster":
                    return None
                self._given[mailbox] = time.monotonic()
        return mailbox

    def _lacks_room(self) -> bool:
        """Whether the limit is reached. Logs it, once each time that this begins."""
        was_full, self._is_full = self._is_full, len(self._there) + len(self._given) >= self._most
        if self._is_full and not was_full:
            words = "there are %d mailboxes, and no more are made: mail for new names is refused until some are removed"
            log.warning(words, len(self._there) + len(self._given))
        return self._is_full

    def _look(self) -> None:
        begun = time.monotonic()
        if begun < self._look_at:
            return
        try:
            self._there = frozenset(self._present())
        except FileNotFoundError:  # there is no directory, so nothing in it
            self._there = frozenset()
        except OSError:  # no descriptor is free, say: what was there at the last look is the best guess
            pass
        ended = time.monotonic()
        self._look_at = ended + max(LOOK_EVERY, (ended - begun) / LOOK_SHARE)
        self._given = {
            mailbox: since for mailbox, since in self._given.items() if mailbox not in self._there and ended < since + UNSEEN
        }
