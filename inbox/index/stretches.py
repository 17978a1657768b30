"""Stretches: how many messages of a list lie between two of its keys, so that the middle of a long list is found at once.

Without them, SQLite would step over each message that a list leaves out. Triggers of the schema keep the counts; a stretch
that has grown long is divided. `mailbox` is the number of one, or EVERYWHERE. Knows nothing about what messages are.
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from .schema import LONG

EVERYWHERE = 0
"""In place of a mailbox's number: messages of all mailboxes, each once."""

DIVIDED = 100
"""Stretches that are divided at a time. A batch of messages makes no more of them long, unless there are many mailboxes."""


class Beginning(NamedTuple):
    """Where the stretch begins, from its newest end, that has a message."""

    below: int | None
    """All of its keys are lower; None: it is the newest stretch."""
    skipped: int
    """How many messages are newer than it."""


def beginning(stretches: Iterable[tuple[int, int]], start: int) -> Beginning:
    """The stretch that has the message number `start`, counted from the newest. `stretches`, newest first, are their lowest
    keys and how many messages they have.
    """
    below, skipped = None, 0
    for first, messages in stretches:
        if skipped + messages > start:
            break
        below, skipped = first, skipped + messages
    return Beginning(below, skipped)


def divide(base: sqlite3.Connection) -> None:
    """Divides stretches that are long. Within a transaction."""
    long = f"SELECT mailbox, first, messages FROM stretch WHERE messages > {LONG} LIMIT {DIVIDED}"
    for mailbox, first, messages in base.execute(long).fetchall():
        half = messages // 2
        table, its = ("message", "copies > 0 AND ?3 = 0") if mailbox == EVERYWHERE else ("copy", "mailbox = ?3")
        middle = f"SELECT key FROM {table} WHERE {its} AND key >= ?1 ORDER BY key LIMIT 1 OFFSET ?2"
        (key,) = base.execute(middle, (first, half, mailbox)).fetchone()
        base.execute("INSERT INTO stretch VALUES (?, ?, ?)", (mailbox, key, messages - half))
        base.execute("UPDATE stretch SET messages = ? WHERE mailbox = ? AND first = ?", (half, mailbox, first))
