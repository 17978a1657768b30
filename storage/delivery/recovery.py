"""What an earlier run left in the journal: which messages wait for which mailbox, and which mailboxes are in doubt.

It moves nothing.
"""

import logging
from typing import NamedTuple

from ..journal.journal import Journal
from ..journal.records import Intent, Misnamed, Record, decode
from ..journal.segments import Place
from .backlog import Backlog
from .mover import Mover

log = logging.getLogger("carteiro.storage")


class Left(NamedTuple):
    """What an earlier run left: the last intent of each mailbox, where each message is for each of its mailboxes, in order,
    and of those in the spool the octets of their files.
    """

    intents: dict[str, Intent]
    places: dict[tuple[str, str], Place]
    spooled: dict[str, int]


def recover(journal: Journal, backlog: Backlog, mover: Mover) -> None:
    """Lets everything wait again that may not be in its mailbox. Raises OSError, and Unreadable for another format."""
    left = _read(journal)
    for (id, mailbox), place in left.places.items():
        intent = left.intents.get(mailbox)
        if intent is None or place.since >= intent.since:
            mover.put(place, mailbox)
            if id in left.spooled:
                backlog.need(place.segment, id, left.spooled[id], 1)
    sequences = {segment.sequence for segment in journal.segments}
    for queue in mover.queues.values():
        queue.recover(left.intents.get(queue.mailbox), sequences, journal.is_damaged)
    mover.recovered()
    waiting = sum(len(queue.waiting) for queue in mover.queues.values())
    if waiting:
        words = "recovering %d messages that the last run left, for %d mailboxes: one that was removed since comes again"
        log.warning(words, waiting, len(mover.queues))


def _read(journal: Journal) -> Left:
    left = Left({}, {}, {})
    for place, data in journal.read_back():
        try:
            record = decode(data)
        except Misnamed as error:
            journal.keep_misnamed(place, error)
            continue
        if isinstance(record, Intent):
            left.intents[record.mailbox] = record
        elif isinstance(record, Record):
            if record.content is None:
                left.spooled[record.id] = record.length
            place.segment.name_mailboxes(record.recipients)
            for mailbox in record.recipients:
                left.places.pop((record.id, mailbox), None)  # the last place of a message is the one that counts
                left.places[record.id, mailbox] = place
    return left
